"""What a workload is, the registry of all of them, and what their functions are written with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, overload

from server.worker.resources import LoopResource, ProcessResource, ThreadResource

Kind = Literal["io", "cpu", "mixed", "payload", "none"]
Need = Callable[[], AbstractAsyncContextManager[None]]
F = TypeVar("F", bound=Callable[..., Any])
N = TypeVar("N", bound=Callable[..., Awaitable[Any]])
T = TypeVar("T")
SCOPES = {"process": ProcessResource, "thread": ThreadResource, "loop": LoopResource}


class Payload(bytes):
    """A parameter given in KiB: the server creates the bytes and sends them to the worker."""

    __slots__ = ()

    @classmethod
    def of(cls, kib: int) -> Payload:
        return cls(kib * 1024)


@dataclass(frozen=True, slots=True)
class Workload:
    """A function, plain or async, and what the server knows about it."""

    name: str
    kind: Kind
    function: Callable[..., Any]
    # What `hybrid` runs in order: the first stage is called with the parameters, each later one
    # with the result of the stage before it.
    stages: tuple[tuple[Kind, Callable[..., Any]], ...]
    source: str  # the module, as it was named on the command line
    needs: tuple[Need, ...] = ()  # what runs as long as the server does, e.g. a web site to read
    native: Callable[..., Awaitable[Any]] | None = None  # the async version, or the function itself
    cannot: Mapping[str, str] = field(default_factory=dict)  # models that cannot run it, and why

    @property
    def doc(self) -> str:
        """The first paragraph of the function's docstring, on one line."""
        paragraph = inspect.cleandoc(self.function.__doc__ or "").partition("\n\n")[0]
        return " ".join(paragraph.split())


class WorkloadError(ValueError):
    """A workload is declared wrongly; the message gives file and line."""


class Unavailable(RuntimeError):
    """What a workload needs is not here; the message says what would help."""


REGISTRY: dict[str, Workload] = {}


def workload(
    function: object = None,
    /,
    *,
    kind: Kind | None = None,
    stages: Sequence[tuple[Kind, Callable[..., Any]]] = (),
    needs: Sequence[Need] = (),
    cannot: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Register a function under its own name and return it unchanged, so that it pickles."""
    if function is not None or kind is None:
        raise TypeError('write @workload(kind="io"), or "cpu", or "mixed", above the function')

    def register(function: F) -> F:
        _expect_function(function)
        name = function.__name__
        try:
            pairs = tuple((kind, stage) for kind, stage in stages)
            needed = tuple(needs)
        except (TypeError, ValueError) as error:
            raise WorkloadError(
                f"{place(function)}: {name!r} has stages or needs that are not lists ({error}); "
                'write stages=[("io", fetch), ("cpu", parse)], needs=[website]'
            ) from None
        if name in REGISTRY:
            taken = place(REGISTRY[name].function)
            raise WorkloadError(
                f"{place(function)}: there is already a workload named {name!r}, at {taken}; "
                "give the function another name"
            )
        parts = pairs or ((kind, function),)
        own = function if inspect.iscoroutinefunction(function) else None
        REGISTRY[name] = Workload(
            name, kind, function, parts, function.__module__, needed, own, cannot or {}
        )
        return function

    return register


def native(plain: Callable[..., Any]) -> Callable[[N], N]:
    """Declare the async version of a workload: the same parameters, awaited on the loop."""
    name = str(getattr(plain, "__name__", plain))
    if getattr(REGISTRY.get(name), "function", None) is not plain:
        # Now, because without its argument the decorator is never called with another function.
        frame = sys._getframe(1)  # noqa: SLF001 - where it is declared; inspect would take 10 ms
        raise WorkloadError(
            f"{frame.f_code.co_filename}:{frame.f_lineno}: {name!r} is not a workload; decorate a "
            f"plain function with @workload first, and its async version with @native({name})"
        )

    def register(function: N) -> N:
        _expect_function(function)
        known = REGISTRY[name]
        if known.native is plain:
            raise WorkloadError(
                f"{place(function)}: {name!r} is async itself; remove @native, or write {name!r} "
                "with def"
            )
        if known.native is not None:
            raise WorkloadError(
                f"{place(function)}: {name!r} already has an async version, at "
                f"{place(known.native)}; keep only one"
            )
        REGISTRY[name] = replace(known, native=function)
        return function

    return register


Sync = Callable[[], AbstractContextManager[T]]
Async = Callable[[], AbstractAsyncContextManager[T]]


@overload
def resource(*, scope: Literal["process", "thread"]) -> Callable[[Sync[T]], Callable[[], T]]: ...
@overload
def resource(*, scope: Literal["loop"]) -> Callable[[Async[T]], Callable[[], Awaitable[T]]]: ...
def resource(*, scope: str) -> Callable[[Callable[[], Any]], Any]:
    """Make a context manager something that each worker enters once, and leaves when it ends.

    Calling it in a workload gives the value that was entered at the first call in this process, in
    this thread, or on this event loop; there it is awaited.
    """
    if scope not in SCOPES:
        raise TypeError('write @resource(scope="process"), or "thread", or "loop"')

    def register(manager: Callable[[], Any]) -> Any:
        _expect_function(manager)
        inner, here = inspect.unwrap(manager), f"{place(manager)}: {manager.__name__!r}"
        waits = inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)
        if inner is manager and (waits or inspect.isgeneratorfunction(inner)):
            decorator = "asynccontextmanager" if scope == "loop" else "contextmanager"
            raise WorkloadError(
                f"{here} is not a context manager; write @{decorator} between @resource and it"
            )
        if waits and scope != "loop":
            raise WorkloadError(
                f'{here} is async: write scope="loop", or use @contextmanager and def'
            )
        if inspect.isgeneratorfunction(inner) and scope == "loop":
            raise WorkloadError(f'{here} is not async: write scope="thread" or "process"')
        return SCOPES[scope](manager, place(manager))

    return register


def _expect_function(function: object) -> None:
    if not (callable(function) and inspect.isfunction(inspect.unwrap(function))):
        raise TypeError(f"this decorator is for functions, and {function!r} is not one")


def place(function: Callable[..., Any]) -> str:
    """Return file and line of a function, for messages."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
