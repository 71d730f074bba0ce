"""The load of a surge: half of the capacity, then far too much, then half again."""

from __future__ import annotations

from loadtests.durations import parse_duration

NAMES = ("before", "surge", "after")
SHARES = (0.5, 2.5, 0.5)  # of the capacity
PROBES = 3  # closed loops that estimate the capacity
DURATIONS = (5.0, 8.0, 15.0)
MOST_S = 600.0
EXPECTED = "expected three durations, before, during and after the surge, e.g. 5s,8s,15s"

Three = tuple[float, float, float]


def durations(text: str) -> Three:
    """Read `5s,8s,15s`: before the surge, the surge, after it. Raises ValueError otherwise."""
    parts = text.split(",")
    if len(parts) != len(NAMES):
        raise ValueError(f"invalid phases {text!r}: {EXPECTED}")
    before, surge, after = map(parse_duration, parts)
    for seconds in (before, surge, after):
        if not (seconds.is_integer() and 1 <= seconds <= MOST_S):  # each second is a point
            raise ValueError(
                f"invalid phases {text!r}: each lasts whole seconds, at least 1s and at most 10m"
            )
    return before, surge, after


def rates(capacity: float) -> Three:
    """Return the offered rate of each phase."""
    before, surge, after = (share * capacity for share in SHARES)
    return before, surge, after


def queue_within(capacity: float, target_s: float) -> int:
    """Return how many calls a cell completes within a time: longer queues do not help."""
    return max(1, int(capacity * target_s))
