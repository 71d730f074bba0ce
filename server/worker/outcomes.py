"""How work ended, as plain text: what it raised, or why its result cannot be written as JSON.

An exception or result may run its own code as soon as it is inspected. Standard library only,
because workers import this.
"""

from __future__ import annotations

import marshal
from collections import deque
from contextlib import suppress
from types import NoneType
from typing import Any

Failure = tuple[str, str]  # (type, text); the type is empty for the server's own messages

LONGEST = 2_000  # characters of an exception's text: more would block the event loop
PLAIN = frozenset((NoneType, bool, int, float, str, bytes))
ADVICE = "return a list"
_name_of = vars(type)["__name__"].__get__  # which no metaclass can override


def raised(error: BaseException) -> Failure:
    """Describe what the work raised, whatever its class does when it is inspected."""
    name = _plain(_name_of(type(error))) or "an exception without a name"
    try:
        return name, _plain(str(error))
    except BaseException as other:  # noqa: BLE001 - SystemExit too
        return name, f"its text is unknown, because str() raised {_plain(_name_of(type(other)))}"


def _plain(text: str) -> str:
    """Shorten a text to a readable length, and convert it to plain str."""
    if str.__len__(text) <= LONGEST:
        return str.__str__(text)
    return f"{str.__getitem__(text, slice(LONGEST))}… ({str.__len__(text)} characters)"


def unusable(result: Any) -> Failure | None:
    """Why a result cannot be the answer: an iterator would compute while JSON is written."""
    kind = type(result)
    if kind is NoneType or kind is bytes or kind is str:
        return None
    try:
        marshal.dumps(result)  # walks it in C, and stops at the first value that is not plain data
    except Exception:  # noqa: BLE001 - whatever the reason is, then Python has to look
        with suppress(BaseException):  # which may run the result's own code
            if name := _iterator_in(result):
                return "", f"the result is not JSON: it contains an iterator ({name}); {ADVICE}"
    return None


def _iterator_in(result: Any) -> str | None:
    """Return the type name of an iterator inside a result that could be written as JSON."""
    left, visited = [result], set[int]()
    while left:
        value = left.pop()
        kind = type(value)
        if kind in PLAIN or id(value) in visited:
            continue
        visited.add(id(value))
        if hasattr(kind, "__next__"):
            return _plain(_name_of(kind))
        if issubclass(kind, dict):
            left.extend(dict.values(value))
        elif issubclass(kind, list | tuple | set | frozenset | deque):
            left.extend(value)
        elif hasattr(kind, "__dataclass_fields__"):
            left.extend(getattr(value, name, None) for name in kind.__dataclass_fields__)
        elif hasattr(kind, "__pydantic_serializer__"):
            left.extend([*vars(value).values(), getattr(value, "__pydantic_extra__", None)])
    return None
