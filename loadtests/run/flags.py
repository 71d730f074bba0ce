"""How a field of the options of a run is read, written, and compared when a run is resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def same(begun: Any, now: Any) -> bool:
    """Whether a run was begun with what is requested now; None and empty values are the same."""
    return bool((begun or None) == (now or None))


def always(_: object, __: object) -> bool:
    """Allow any change."""
    return True


def no_less(begun: Any, now: Any) -> bool:
    """Whether as much is requested as before, or more."""
    return set(begun) <= set(now) if isinstance(begun, list) else bool(now >= begun)


@dataclass(frozen=True, slots=True)
class Flag:
    """How a field is written on the command line, and what resuming a run may change of it.

    `name` is that of the flag, where the field has another one. `read` raises ValueError for
    invalid words, and `write` returns the words again, which `resumes` compares. `choices`
    make a flag of each value of the field, with its help.
    """

    group: str
    help: str = ""
    metavar: str | None = None
    name: str = ""
    read: Callable[[Any], Any] = str
    write: Callable[[Any], Any] = lambda value: value
    resumes: Callable[[Any, Any], bool] = same
    repeated: bool = False
    choices: Mapping[str, str] | None = None


def option(default: Any, flag: Flag | None = None, load: Callable[[Any], Any] | None = None) -> Any:
    """Return a field with a default; `load` reads what JSON has made of its value."""
    metadata = {"flag": flag, "load": load or frozen}
    return field(default_factory=lambda: default, metadata=metadata)


def frozen(value: Any) -> Any:
    """Restore a tuple, which JSON has made a list."""
    return tuple(value) if isinstance(value, list) else value


def names(given: Any) -> tuple[str, ...]:
    """Read `a,b` as well as a list of them; each name counts once."""
    parts = [given] if isinstance(given, str) else given or []
    split = [name.strip() for part in parts for name in str(part).split(",")]
    return tuple(dict.fromkeys(name for name in split if name))


def some_names(given: Any) -> tuple[str, ...]:
    if not (listed := names(given)):
        text = given if isinstance(given, str) else ",".join(given)
        raise ValueError(f"{text!r} names nothing: expected names separated by commas, or all")
    return listed


def texts(given: Any) -> tuple[str, ...]:
    """Read a text, or a list of them, which may have commas in them."""
    return (given,) if isinstance(given, str) else tuple(given)


def number(
    what: str, example: str, kind: type[float], least: float | None = None, most: float = 0
) -> Callable[[Any], Any]:
    """Return a reader of numbers, within bounds if there are any."""

    def read(given: Any) -> Any:
        try:
            value = kind(given)
        except (ValueError, OverflowError):
            value = None
        if value is None and least is None:
            raise ValueError(f"invalid {what} {given!r}: expected e.g. {example}")
        if value is None or (least is not None and not least <= value <= most):
            raise ValueError(f"invalid {what} {given!r}: expected {least} to {most}")
        return value

    return read
