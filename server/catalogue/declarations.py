"""Whether a workload is declared so that it can run: said at start, not to its first request."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, get_args

from server.catalogue.parameter import parameters_of
from server.workloads.registry import Kind, Workload, WorkloadError, place


def check(workloads: Iterable[Workload], reserved: Container[str] = ()) -> None:
    """Raise WorkloadError with a line for each problem, unless all of these workloads can run.

    `reserved` are names that no workload may have, since the server has paths of that name.
    """
    problems = [problem for one in workloads for problem in _problems(one, reserved)]
    if problems:
        raise WorkloadError("\n".join(problems))


def _problems(one: Workload, reserved: Container[str]) -> Iterator[str]:
    here, name = place(one.function), repr(one.name)
    if one.name in reserved:
        yield f"{here}: {name} is a path of the server itself; give the function another name"
    if not one.name.isascii():
        yield f"{here}: {name} must stand in a URL; give the function a name of plain letters"
    for kind in dict.fromkeys((one.kind, *(kind for kind, _ in one.stages))):
        if kind not in get_args(Kind):
            yield f"{here}: {name} has the kind {kind!r}; there are {', '.join(get_args(Kind))}"
    if why := _unfit(one.function):
        yield f"{here}: {name} {why}"
    try:
        parameters = parameters_of(one.function)
    except WorkloadError as error:
        yield str(error)
        return
    for number, (_, stage) in enumerate(one.stages, 1):
        if stage is not one.function and (
            why := _unfit(stage) or _refusal(stage, number, parameters)
        ):
            yield f"{here}: stage {number} of {name}, {_called(stage)}, {why}"
    if one.native is not None and (why := _no_twin(one.native, list(parameters))):
        yield f"{place(one.native)}: {_called(one.native)}, the twin of {name}, {why}"


def _unfit(function: Callable[..., Any]) -> str | None:
    """Say why no worker can run a function, or None."""
    if inspect.iscoroutinefunction(function):
        return (
            "is async, and workers call plain functions; write it with def, "
            "and what is async as its twin, with @native above"
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "is a generator, which computes only when it is read; return a list"
    try:
        pickle.dumps(function)  # functions pickle as the names under which they are found again
    except Exception as error:  # noqa: BLE001 - pickling may run any code
        name = getattr(function, "__qualname__", "")
        if "<lambda>" in name:
            advice = "write it with def at the top of its module"
        elif "<locals>" in name:
            advice = "move it to the top of its module, and use functools.wraps in a decorator"
        else:
            advice = "put @workload above all other decorators, and use its name only once"
        return f"cannot travel to a worker process; {advice} ({error})"
    return None


def _refusal(stage: Callable[..., Any], number: int, parameters: Iterable[str]) -> str | None:
    """Say why a stage does not take what it will be given, or None."""
    first = number == 1
    try:
        bind = inspect.signature(stage).bind
        bind(**dict.fromkeys(parameters)) if first else bind(None)
    except TypeError as error:
        given = "the parameters of the workload by name" if first else "the result before it alone"
        return f"must take {given}: {error}"
    except (ValueError, NameError):  # written in C; or its annotations cannot be evaluated
        pass
    return None


def _no_twin(twin: Callable[..., Any], parameters: list[str]) -> str | None:
    if inspect.isasyncgenfunction(twin):
        return "is a generator, which computes only when it is read; return a list"
    if not any(map(inspect.iscoroutinefunction, (twin, inspect.unwrap(twin)))):
        return "is not async; write it with async def"
    try:
        taken = list(inspect.signature(twin).parameters)
    except NameError as error:  # from Python 3.14 on, annotations are evaluated here
        return f"has a signature that cannot be read: {error}"
    if sorted(taken) != sorted(parameters):
        return f"takes ({', '.join(taken)}), not ({', '.join(parameters)}); give both the same"
    return None


def _called(function: Callable[..., Any]) -> str:
    return repr(getattr(function, "__name__", function))
