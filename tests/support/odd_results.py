"""Workloads that return what is odd: for `--workloads`."""

import array
import dataclasses
import datetime
import decimal
import enum
import itertools
import os
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from server.workloads import native, workload

FOR_LONG_S = 3600.0
MB = 1_000_000


class NoStock(Exception):
    """Pickles, but cannot be recreated from its pickle."""

    def __init__(self, wanted: int, left: int) -> None:
        super().__init__(f"{wanted} wanted, {left} left")


@dataclasses.dataclass
class Price:
    amount: Any


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


class Reduced:
    """Runs a function wherever it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._how = function, arguments

    def __reduce__(self) -> Any:
        return self._how


class Pickled:
    """Runs a function while it is pickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._how = function, arguments

    def __reduce__(self) -> Any:
        function, arguments = self._how
        function(*arguments)
        return int, ()


class Deeper:
    def __reduce__(self) -> Any:
        return Deeper, (Deeper(),)


class Mapping(dict[str, Any]):
    """A dictionary that computes its items."""

    def items(self) -> Any:
        raise LookupError("no items today")


def _nested(depth: int, inner: Any = None) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


def _cycle() -> Any:
    circle: list[Any] = []
    circle.append({"again": circle})
    return circle


def _generate() -> Iterator[int]:
    while True:
        yield 1


async def _late() -> int:
    return 1


def _coroutine() -> Any:
    made = _late()
    made.close()  # which only silences the warning that it was never awaited
    return made


def _model() -> Any:
    from pydantic import BaseModel  # noqa: PLC0415 - which no sub-interpreter can import

    class Order(BaseModel):
        number: int = 7

    return Order()


MADE: dict[str, Callable[[], Any]] = {
    "nan": lambda: {"a": float("nan"), "b": [float("inf")]},
    "big": lambda: 10**4000,
    "surrogate": lambda: {"text": "\ud800"},
    "cycle": _cycle,
    "deep": lambda: _nested(10_000),
    "deeper": lambda: _nested(300),
    "tuple-key": lambda: {(1, 2): 3},
    "keys": lambda: {2: 1, None: 2, True: 3, 1.5: 4},
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "memoryview": lambda: memoryview(b"abc"),
    "inner-bytes": lambda: {"a": b"abc"},
    "binary": lambda: {"a": b"\xff"},
    "array": lambda: array.array("d", [1.0]),
    "inner-array": lambda: {"a": [array.array("d", [1.0])]},
    "dataclass": lambda: Price(decimal.Decimal("1.50")),
    "set": lambda: {3},
    "frozen": lambda: [frozenset({3})],
    "deque": lambda: deque([1, 2]),
    "ordered": lambda: OrderedDict(a=1),
    "named": lambda: Point(1, 2),
    "datetime": lambda: datetime.datetime(2026, 1, 2),  # noqa: DTZ001 - as many return it
    "enum": lambda: [Colour.RED],
    "model": _model,
    "complex": lambda: 1j,
    "function": lambda: [len],
    "class": lambda: [Price],
    "code": lambda: compile("1", "", "eval"),
    "ellipsis": lambda: [...],
    "exception": lambda: [NoStock(3, 2)],
    "module": lambda: os,
    "mapping": lambda: Mapping(a=1),
    "generator": _generate,
    "inner-generator": lambda: {"rows": [_generate()]},
    "map": lambda: map(abs, itertools.count()),
    "zip": lambda: [Price(zip(itertools.count(), strict=False))],
    "file": lambda: open("/dev/zero"),  # noqa: PTH123, SIM115 - as it comes back
    "coroutine": _coroutine,
    "range": lambda: range(3),
    "pickle-exit": lambda: Pickled(sys.exit, "leaving"),
    "pickle-die": lambda: [Pickled(os._exit, 3)],
    "pickle-recurse": Deeper,
    "pickle-hang": lambda: [Pickled(time.sleep, FOR_LONG_S)],
    "unpickle-exit": lambda: [Reduced(sys.exit, "leaving")],
    "unpickle-die": lambda: [Reduced(os._exit, 3)],
    "unpickle-hang": lambda: [Reduced(time.sleep, FOR_LONG_S)],
    "unpickle-eof": lambda: [Reduced(os.read, -1, 1)],
    "long-text": lambda: "é" * (25 * MB),
    "long-list": lambda: [*range(7 * MB)],
}


@workload(kind="cpu")
def give(what: str = "nan") -> Any:
    """Return something odd."""
    return MADE[what]()


@native(give)
async def give_natively(what: str = "nan") -> Any:
    return give(what)
