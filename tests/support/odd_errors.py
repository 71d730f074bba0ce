"""Workloads that raise what is odd: for `--workloads`."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from server.workloads import native, workload

TOO_LATE = "the deadline had passed when a worker was free"  # the server's own words


class Mute(Exception):
    def __str__(self) -> str:
        raise AttributeError


class Leaving(Exception):
    def __str__(self) -> str:  # noqa: PLE0307 - it never returns
        sys.exit("leaving")


def _number(_error: object) -> Any:
    return 3


Numeric = type("Numeric", (Exception,), {"__str__": _number})


class OutOfStock(Exception):
    """Cannot be recreated from what it was made of."""

    def __init__(self, wanted: int, left: int) -> None:
        super().__init__(f"{wanted} wanted, {left} left")


class Sly(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in {"__name__", "__qualname__", "__module__"}:
            raise LookupError(name)
        return super().__getattribute__(name)


class Hidden(Exception, metaclass=Sly):
    """Its class does not give its name."""


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise LookupError

    def __len__(self) -> int:
        raise LookupError


class Wordy(Exception):
    def __str__(self) -> str:
        return Text("words")


def _circle() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    first.__context__, second.__context__ = second, first
    return first


def _noted() -> BaseException:
    error = ValueError("noted")
    error.__notes__ = 7  # type: ignore[assignment]  # wrong on purpose
    return error


def _group() -> BaseException:
    group: ExceptionGroup[Exception] = ExceptionGroup("inner", [Mute()])
    for _ in range(500):
        group = ExceptionGroup("group", [group])
    return group


def _broken() -> BaseException:
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 - takes long to load

    return BrokenProcessPool("not the server's")


def _recurse() -> BaseException:
    return _recurse()


def _no_class() -> BaseException:
    return 3  # type: ignore[return-value]  # so that raising it raises a TypeError


RAISED: dict[str, Callable[[], BaseException]] = {
    "mute": Mute,
    "leaving": Leaving,
    "numeric": Numeric,
    "arguments": lambda: OutOfStock(3, 2),
    "hidden": Hidden,
    "wordy": Wordy,
    "huge": lambda: ValueError("x" * 20_000_000),
    "surrogate": lambda: ValueError("\ud800"),
    "markup": lambda: ValueError("<b>\n\0"),
    "late": lambda: type("TooLate", (Exception,), {})(TOO_LATE),
    "nameless": lambda: type("", (Exception,), {})(TOO_LATE),
    "circle": _circle,
    "noted": _noted,
    "group": _group,
    "base-group": lambda: BaseExceptionGroup("base", [KeyboardInterrupt(), SystemExit(3)]),
    "stop": lambda: StopIteration(1),
    "stop-async": lambda: StopAsyncIteration(1),
    "generator-exit": lambda: GeneratorExit("over"),
    "cancelled": lambda: asyncio.CancelledError("withdrawn"),
    "timeout": lambda: TimeoutError("too late"),
    "broken": _broken,
    "interrupt": lambda: KeyboardInterrupt("pressed"),
    "exit": lambda: SystemExit("leaving"),
    "exit-code": lambda: SystemExit(3),
    "recursion": _recurse,
    "memory": lambda: MemoryError(bytearray(2**62)),
    "no-thread": lambda: RuntimeError("can't start new thread"),
    "no-class": _no_class,
    "eof": lambda: EOFError("no more"),
    "broken-pipe": lambda: BrokenPipeError(32, "Broken pipe"),
}


@workload(kind="cpu")
def fail_oddly(what: str = "mute") -> None:
    """Raise an exception that is odd to describe, or that means something to a server."""
    raise RAISED[what]()


@native(fail_oddly)
async def fail_oddly_natively(what: str = "mute") -> None:
    await asyncio.sleep(0)
    raise RAISED[what]()
