"""What a workload is, and the registry of all of them.

Worker processes import this package, so it stays within the standard library and annotated_types.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

Kind = Literal["io", "cpu", "mixed", "payload", "none"]
Need = Callable[[], AbstractAsyncContextManager[None]]
F = TypeVar("F", bound=Callable[..., Any])
N = TypeVar("N", bound=Callable[..., Awaitable[Any]])


class Payload(bytes):
    """A parameter that a request gives in KiB: made in the server, carried to the worker."""

    __slots__ = ()

    @classmethod
    def of(cls, kib: int) -> Payload:
        return cls(kib * 1024)


@dataclass(frozen=True, slots=True)
class Workload:
    """A plain function, and what the server may know about it.

    `stages` are what `hybrid` runs one after the other: (kind, function), the first called with
    the parameters, each later one with the result before it. `needs` are asynchronous context
    managers entered while the server stands: a database, a site to read. `source` is the module
    as whoever asked for it named it.
    """

    name: str
    kind: Kind
    function: Callable[..., Any]
    stages: tuple[tuple[Kind, Callable[..., Any]], ...]
    source: str
    needs: tuple[Need, ...] = ()
    native: Callable[..., Awaitable[Any]] | None = None

    @property
    def doc(self) -> str:
        """The first paragraph of the function's docstring, on one line."""
        paragraph = inspect.cleandoc(self.function.__doc__ or "").partition("\n\n")[0]
        return " ".join(paragraph.split())


class WorkloadError(ValueError):
    """A workload is declared in a way that cannot work; the message names file and line."""


REGISTRY: dict[str, Workload] = {}


def workload(
    *,
    kind: Kind,
    stages: Sequence[tuple[Kind, Callable[..., Any]]] = (),
    needs: Sequence[Need] = (),
) -> Callable[[F], F]:
    """Register a function under its own name and return it unchanged, so that it pickles."""

    def register(function: F) -> F:
        _expect_function(function)
        name = function.__name__
        if name in REGISTRY:
            taken = place(REGISTRY[name].function)
            raise WorkloadError(
                f"{place(function)}: a workload named {name!r} exists already, at {taken}; "
                "give the function another name"
            )
        parts = tuple((each, part) for each, part in stages) or ((kind, function),)
        REGISTRY[name] = Workload(name, kind, function, parts, function.__module__, tuple(needs))
        return function

    return register


def native(twin_of: Callable[..., Any]) -> Callable[[N], N]:
    """Declare the asynchronous twin of a workload: the same parameters, awaited on the loop."""

    def register(function: N) -> N:
        _expect_function(function)
        name = twin_of.__name__
        known = REGISTRY.get(name)
        if known is None or known.function is not twin_of:
            raise WorkloadError(
                f"{place(function)}: {name!r} is no workload; put @workload above it first"
            )
        if known.native is not None:
            raise WorkloadError(
                f"{place(function)}: {name!r} has a twin already, at {place(known.native)}; "
                "keep one of them"
            )
        REGISTRY[name] = replace(known, native=function)
        return function

    return register


def _expect_function(function: object) -> None:
    if not (callable(function) and inspect.isfunction(inspect.unwrap(function))):
        raise TypeError(f"this decorator stands above functions, and {function!r} is none")


def place(function: Callable[..., Any]) -> str:
    """Name file and line of a function, for messages."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
