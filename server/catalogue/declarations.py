"""Whether a workload is declared so that it can run: checked at start, not on a request."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, get_args

from server.catalogue.parameters import LONE, NAMED, SURROGATE, parameters_of
from server.workloads.registry import Kind, Workload, WorkloadError, place

LAMBDA = "<lambda>"


def check(workloads: Iterable[Workload], reserved: Container[str] = ()) -> None:
    """Raise WorkloadError with a line for each problem, unless all of these workloads can run.

    `reserved` are the names of the server's own paths, which no workload may have.
    """
    problems = [problem for workload in workloads for problem in _problems(workload, reserved)]
    if problems:
        raise WorkloadError("\n".join(problems))


def _problems(workload: Workload, reserved: Container[str]) -> Iterator[str]:
    here, name = place(workload.function), repr(workload.name)
    for reason in _wrong_words(workload, reserved):
        yield f"{here}: {name} {reason}"
    if _is_method(workload.function):
        yield f"{here}: {name} is a method; write a function outside its class, or a @staticmethod"
        return
    if why := _unfit(workload.function):
        yield f"{here}: {name} {why}"
    try:
        parameters = parameters_of(workload.function)
    except WorkloadError as error:
        yield str(error)
        return
    for number, (_, stage) in enumerate(workload.stages, 1):
        if stage is not workload.function and (
            why := _unfit(stage) or _refusal(stage, number, parameters)
        ):
            yield f"{here}: stage {number} of {name}, {_called(stage)}, {why}"
    if workload.native is not None and (why := _no_version(workload.native, list(parameters))):
        called = f"{_called(workload.native)}, the async version of {name},"
        yield f"{place(workload.native)}: {called} {why}"


def _wrong_words(workload: Workload, reserved: Container[str]) -> Iterator[str]:
    """List what is wrong with its name, kinds, docstring and needs."""
    if workload.name in reserved:
        yield "is a path of the server itself; give the function another name"
    if workload.name != LAMBDA and not (workload.name.isascii() and workload.name.isidentifier()):
        yield "is part of a URL; give the function a name of plain letters"
    kinds = [workload.kind, *(kind for kind, _ in workload.stages)]
    for kind in dict.fromkeys(repr(kind) for kind in kinds if kind not in get_args(Kind)):
        yield f"has the kind {kind}; there are {', '.join(get_args(Kind))}"
    if SURROGATE.search(workload.doc):
        yield f"has a docstring with {LONE}"
    for need in workload.needs:
        if why := _not_needed(need):
            yield f"needs {_called(getattr(need, 'func', need))}, which {why}"


def _is_method(function: Callable[..., Any]) -> bool:
    first = function.__code__.co_varnames[:1] if inspect.isfunction(function) else ()
    inner = function.__qualname__.rpartition("<locals>.")[2] if first else ""
    return "." in inner and first[0] in {"self", "cls"}


def _not_needed(need: Any) -> str | None:
    """Explain why something cannot be entered by the server, or return None."""
    inner = inspect.unwrap(need) if callable(need) else need
    if not callable(need):
        why = "is not a function"
    elif isinstance(need, type) and not hasattr(need, "__aenter__"):
        why = "has no __aenter__"
    elif inspect.isgeneratorfunction(inner) or (inner is need and _is_async(need)):
        why = "does not return an asynchronous context manager"
    else:
        try:
            inspect.signature(need).bind()
        except TypeError as error:
            if hasattr(need, "__aenter__") and not isinstance(need, type):
                return "is called already; give its name alone, because each server calls it"
            return f"is called without arguments: {error}"
        except (ValueError, NameError):  # as for stages
            pass
        return None
    return f"{why}; write @asynccontextmanager above an async def, and give its name"


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _unfit(function: Callable[..., Any]) -> str | None:
    """Explain why no worker can run a function, or return None."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "is a generator, which computes only while it is read; return a list"
    try:
        pickle.dumps(function)  # functions pickle as the names by which they are imported
    except Exception as error:  # noqa: BLE001 - pickling may run any code
        name = getattr(function, "__qualname__", "")
        if LAMBDA in name:
            advice = "write it with def at the top of its module"
        elif "<locals>" in name:
            advice = "move it to the top of its module, and use functools.wraps in a decorator"
        else:
            advice = "put @workload above all other decorators, and use its name only once"
        return f"cannot be sent to a worker process; {advice} ({error})"
    return None


def _refusal(stage: Callable[..., Any], number: int, parameters: Iterable[str]) -> str | None:
    """Explain why a stage does not take what it will be given, or return None."""
    first = number == 1
    try:
        bind = inspect.signature(stage).bind
        bind(**dict.fromkeys(parameters)) if first else bind(None)
    except TypeError as error:
        given = "the parameters of the workload by name" if first else "the previous result alone"
        return f"must take {given}: {error}"
    except (ValueError, NameError):  # written in C; or its annotations cannot be evaluated
        pass
    return None


def _no_version(version: Callable[..., Any], parameters: list[str]) -> str | None:
    if inspect.isasyncgenfunction(version):
        return "is a generator, which computes only while it is read; return a list"
    if not any(map(inspect.iscoroutinefunction, (version, inspect.unwrap(version)))):
        return "is not async; write it with async def"
    try:
        signature = inspect.signature(version).parameters
    except NameError as error:  # since Python 3.14, annotations are evaluated here
        return f"has a signature that cannot be evaluated: {error}"
    if sorted(signature) != sorted(parameters):
        return f"takes ({', '.join(signature)}), not ({', '.join(parameters)}); give both the same"
    if unnamed := [name for name, taken in signature.items() if taken.kind not in NAMED]:
        return f"cannot be given {', '.join(unnamed)} by name; write it without *, ** and /"
    return None


def _called(function: Callable[..., Any]) -> str:
    return repr(getattr(function, "__name__", function))
