"""What work raised, as plain text.

An exception may run its own code as soon as it is inspected. Standard library only, because workers
import this.
"""

from __future__ import annotations

Failure = tuple[str, str]  # (type, text); the type is empty for the server's own messages

LONGEST = 2_000  # characters of an exception's text: more would block the event loop
_name_of = vars(type)["__name__"].__get__  # which no metaclass can override


def name_of(kind: type) -> str:
    """The name of a class, whatever its metaclass does."""
    return _plain(_name_of(kind))


def raised(error: BaseException) -> Failure:
    """Describe what the work raised, whatever its class does when it is inspected."""
    name = name_of(type(error)) or "an exception without a name"
    try:
        return name, _plain(str(error))
    except BaseException as other:  # noqa: BLE001 - SystemExit too
        return name, f"its text is unknown, because str() raised {name_of(type(other))}"


def _plain(text: str) -> str:
    """Shorten a text to a readable length, and convert it to plain str."""
    if str.__len__(text) <= LONGEST:
        return str.__str__(text)
    return f"{str.__getitem__(text, slice(LONGEST))}… ({str.__len__(text)} characters)"
