"""The load of a surge: half of what a cell bears, far more than that, and half again."""

from __future__ import annotations

import re

NAMES = ("before", "surge", "after")
SHARES = (0.5, 2.5, 0.5)  # of the capacity
DURATIONS = (5.0, 8.0, 15.0)
MOST_S = 600.0

Three = tuple[float, float, float]

_PATTERN = re.compile(r"(\d+)\s*(s|m)")
_SECONDS = {"s": 1.0, "m": 60.0}


def durations(text: str) -> Three:
    """Read `5s,8s,15s`: before the surge, the surge, after it. Raises ValueError otherwise."""
    found = [_PATTERN.fullmatch(part.strip()) for part in text.split(",")]
    seconds = [float(one[1]) * _SECONDS[one[2]] for one in found if one]
    if len(found) != 3 or len(seconds) != 3 or not all(1 <= one <= MOST_S for one in seconds):
        raise ValueError(
            f"{text!r} are no phases; write three times in whole seconds, up to 10m: before "
            "the surge, during it and after it, such as 5s,8s,15s"
        )
    before, surge, after = seconds
    return before, surge, after


def rates(capacity: float) -> Three:
    """Return the offered rate of each phase."""
    before, surge, after = (share * capacity for share in SHARES)
    return before, surge, after


def queue_within(capacity: float, target_s: float) -> int:
    """Count the calls that a cell works off within a time: what may wait, so that it helps."""
    return max(1, int(capacity * target_s))
