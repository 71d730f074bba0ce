"""What is sent of a result: itself if it is small, plain data; else JSON, written where it is.

The server never runs a result's own code on its event loop, and never writes much JSON there. What
is written in a worker is part of the work's time. Standard library only, because workers import
this: few need pydantic, which takes as long to load as a process takes to start.
"""

from __future__ import annotations

import marshal
import pickle
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from types import CoroutineType, NoneType
from typing import Any

from server.worker.outcomes import Failure, name_of, raised
from server.worker.timeline import Ran

LARGE = 65_536  # bytes: to write so many takes about 0.1 ms
BUFFERS = (bytes, bytearray, memoryview)  # of which only the length is answered
SCALARS = frozenset((NoneType, bool, int, float, *BUFFERS))
CONTAINERS = frozenset((dict, list, tuple, set, frozenset))
PLAIN = SCALARS | {str}
STANDARD = frozenset(("datetime", "decimal", "uuid"))  # modules whose values are written as text
FEW = 100  # values: to look at so many, and to write them, takes some 10 µs


class Written(bytes):
    """A result that has been written as JSON."""

    __slots__ = ()


class Pickled(bytes):
    """A value that only a worker, or a thread, unpickles."""

    __slots__ = ()


RESULT = Ran._fields.index("result")


@dataclass(frozen=True, slots=True)
class Kept:
    """A value for the next stage: not an answer, whatever it is."""

    value: Any


FORMS = (bytes, Written, Pickled)  # of a result that is bytes in a message


@dataclass(frozen=True, slots=True)
class Stage:
    """One of several functions in a row: the value of one is the argument of the next.

    Values that go to another process, or come from one, are pickled where the stages run.
    """

    function: Callable[..., Any]
    last: bool
    pickles: bool

    def __call__(self, *positional: Any, **named: Any) -> Any:
        result = self.function(*map(_unpacked, positional), **named)
        if self.last:
            return result
        return Pickled(_pickle(result)) if self.pickles else Kept(result)


def _unpacked(value: Any) -> Any:
    if type(value) is Kept:
        return value.value
    return pickle.loads(value) if type(value) is Pickled else value  # noqa: S301 - our own


def _pickle(value: Any) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def weight(result: Any) -> float:
    """About how many bytes of plain data it is; infinite if it may be anything else."""
    kind = type(result)
    if kind in CONTAINERS:
        with suppress(Exception):  # walks it in C, and stops at the first value that is not plain
            return len(marshal.dumps(result))
    if kind is str:
        return len(result)
    if kind is int:
        return int.bit_length(result)
    return 0 if kind in SCALARS else inf


def harmless(result: Any) -> bool:
    """Whether a result is small, and writing it runs no code of its own, though it is not plain."""
    left, count = [result], 0
    while left:
        value = left.pop()
        kind = type(value)
        count += len(value) if kind in CONTAINERS else 1
        if count > FEW or (kind is str and len(value) > LARGE):
            return False
        if kind is dict:
            left.extend(value.values())
        elif kind in CONTAINERS:
            left.extend(value)
        elif "__dataclass_fields__" in vars(kind) and hasattr(value, "__dict__"):
            left.extend(vars(value).values())
        elif kind not in PLAIN and kind.__module__ not in STANDARD:
            return False
    return True


def settled(result: Any) -> tuple[Any, Failure | None]:
    """The result as it is sent, or why it cannot be."""
    size = weight(result)
    return (result, None) if size < LARGE else written(result, plain=size < inf)


def written(result: Any, *, plain: bool = False) -> tuple[Any, Failure | None]:
    """The result as JSON, or why it cannot be; runs the code of whatever is in it."""
    kind = type(result)
    if kind is Kept or kind in FORMS:
        return result, None
    try:
        if issubclass(kind, BUFFERS):
            return bytes(result), None
        if not plain and (problem := _lazy_in(result)):
            return None, ("", f"the result is not JSON: it contains {problem}")
        try:
            from pydantic_core import to_json  # noqa: PLC0415 - see above
        except ImportError:  # a sub-interpreter cannot load it
            return Kept(result), None
        return Written(to_json(result, inf_nan_mode="null")), None
    except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the worker
        return None, not_json(error)


def rewritten(value: bytes) -> tuple[Any, Failure | None]:
    """A result that its worker could only pickle, as JSON; runs its code too."""
    try:
        result = pickle.loads(value)  # noqa: S301 - our own worker's
    except BaseException as error:  # noqa: BLE001 - whatever it is, only this request fails
        return None, not_json(error)
    return written(result)


def not_json(error: BaseException) -> Failure:
    """The failure of a result that could not be written."""
    kind, text = raised(error)
    return "", f"the result is not JSON: {text or kind}"


def _lazy_in(result: Any) -> str | None:
    """Describe an iterator, or a coroutine, inside a result: it would run while it is written."""
    left, visited = [result], set[int]()
    while left:
        value = left.pop()
        kind = type(value)
        if kind in PLAIN or id(value) in visited:
            continue
        visited.add(id(value))
        name = name_of(kind)
        if kind is CoroutineType:
            value.close()  # or Python complains, when it is gone, that nobody has awaited it
        if hasattr(kind, "__await__"):
            return f"what has to be awaited ({name}); await it, and return what it gives"
        if hasattr(kind, "__next__") or hasattr(kind, "__anext__"):
            return f"an iterator ({name}); return a list"
        if issubclass(kind, dict):
            left.extend(dict.values(value))
        elif issubclass(kind, list | tuple | set | frozenset | deque):
            left.extend(value)
        elif hasattr(kind, "__dataclass_fields__"):
            left.extend(getattr(value, name, None) for name in kind.__dataclass_fields__)
        elif hasattr(kind, "__pydantic_serializer__"):
            left.extend([*vars(value).values(), getattr(value, "__pydantic_extra__", None)])
    return None


def packed(ran: Ran) -> bytes:
    """Write a worker's report so that reading it runs no code of the result's own."""
    result = ran.result
    kind = type(result)
    if kind is Kept:
        return packed(ran._replace(result=Pickled(_pickle(result.value))))
    message = marshal.dumps((FORMS.index(kind) if kind in FORMS else 0, tuple(ran)))
    if kind in CONTAINERS and not _same(marshal.loads(message)[1][RESULT], result):  # noqa: S302
        result, failure = written(result)
        return packed(ran._replace(result=result, failure=failure))
    return message


def unpacked(message: bytes | memoryview) -> Ran | str:
    """Read a worker's report, or the text that it sent instead."""
    read = marshal.loads(message)  # noqa: S302 - runs no code, whatever it reads
    if type(read) is not tuple:
        return str(read)
    form, fields = read
    ran = Ran._make(fields)
    return ran._replace(result=FORMS[form](ran.result)) if form else ran


def _same(sent: Any, result: Any) -> bool:
    """Whether a result arrives as it is: any buffer, such as an array, is sent as bytes."""
    try:
        return bool(sent == result)
    except BaseException:  # noqa: BLE001 - comparing runs code of the result's own
        return False
