"""How work ends, in words that travel: what it raised, or why its result cannot be written as JSON.

Whatever the work raised or returned may run code of its own as soon as it is looked at. Standard
library only: workers import this.
"""

from __future__ import annotations

import marshal
from collections import deque
from contextlib import suppress
from types import NoneType
from typing import Any

Failure = tuple[str, str]  # (type, text); the type is empty where the server itself speaks

LONGEST = 2_000  # characters of an exception's text: more would only keep the event loop busy
PLAIN = frozenset((NoneType, bool, int, float, str, bytes))
ADVICE = "return a list"
_name_of = vars(type)["__name__"].__get__  # whatever a metaclass says


def raised(error: BaseException) -> Failure:
    """Say what the work raised, whatever its own class says or does when it is asked."""
    name = _plain(_name_of(type(error))) or "an exception without a name"
    try:
        return name, _plain(str(error))
    except BaseException as other:  # noqa: BLE001 - SystemExit too
        return name, f"its text is unknown, because str() raised {_plain(_name_of(type(other)))}"


def _plain(text: str) -> str:
    """Cut a text to a length that people read, and to the type str itself."""
    if str.__len__(text) <= LONGEST:
        return str.__str__(text)
    return f"{str.__getitem__(text, slice(LONGEST))}… ({str.__len__(text)} characters)"


def unusable(result: Any) -> Failure | None:
    """Say why a result cannot be the answer: an iterator would compute while JSON is written."""
    kind = type(result)
    if kind is NoneType or kind is bytes or kind is str:
        return None
    try:
        marshal.dumps(result)  # a walk in C, which ends at the first thing that is not plain data
    except Exception:  # noqa: BLE001 - whatever the reason is, then Python has to look
        with suppress(BaseException):  # which may run code of the result's own
            if name := _iterator_in(result):
                return "", f"the result is not JSON: it contains an iterator ({name}); {ADVICE}"
    return None


def _iterator_in(result: Any) -> str | None:
    """Name the type of an iterator in a result, in all that can be written as JSON."""
    left, seen = [result], set[int]()
    while left:
        each = left.pop()
        kind = type(each)
        if kind in PLAIN or id(each) in seen:
            continue
        seen.add(id(each))
        if hasattr(kind, "__next__"):
            return _plain(_name_of(kind))
        if issubclass(kind, dict):
            left.extend(dict.values(each))
        elif issubclass(kind, list | tuple | set | frozenset | deque):
            left.extend(each)
        elif hasattr(kind, "__dataclass_fields__"):
            left.extend(getattr(each, name, None) for name in kind.__dataclass_fields__)
        elif hasattr(kind, "__pydantic_serializer__"):
            left.extend([*vars(each).values(), getattr(each, "__pydantic_extra__", None)])
    return None
