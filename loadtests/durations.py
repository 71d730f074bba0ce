"""Durations as people write them on a command line (`250ms`, `30s`, `2m`, `1h`) and read them."""

import re
from decimal import Decimal

_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}


def parse_duration(text: str) -> float:
    """Return the seconds of `250ms` or `1.5h`. Raises ValueError for anything else."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"invalid duration {text!r}: expected e.g. 250ms, 30s, 2m or 1h")
    number, unit = match.groups()
    return float(Decimal(number) * _SECONDS[unit])  # in decimals: 0.007, not 0.007000000000000001


def some_time(text: str) -> float:
    """Return the seconds of a duration that is not zero. Raises ValueError for others."""
    if not (seconds := parse_duration(text)):
        raise ValueError(f"invalid duration {text!r}: expected more than 0, e.g. 30m")
    return seconds


def duration_text(seconds: float) -> str:
    """Write a duration so that `parse_duration` returns exactly these seconds."""
    exact = Decimal(repr(seconds))
    number, unit = (exact * 1000, "ms") if 0 < exact < 1 else (exact, "s")
    return f"{plain(number)}{unit}"


def rounded_duration(seconds: float) -> str:
    """Write a duration for people, e.g. "40 s", "6 min" or "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def plain(number: Decimal) -> str:
    """Write a number without an exponent and without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
