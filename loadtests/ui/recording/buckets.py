"""Response times in buckets fine enough to be read to 1 %, so that they can be added up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

Times = Mapping[float, int]  # how many by their bucket, in ms


def bucket(ms: float) -> float:
    """Round to a tenth of a millisecond, or from 100 ms on to three digits."""
    return round(ms, 1) if ms < 100 else float(f"{ms:.3g}")


def percentile(times: Times, share: float) -> float | None:
    """Take the nearest-rank percentile, in ms; None of nothing."""
    count = sum(times.values())
    rank = max(1, math.ceil(share * count - 1e-9))
    for value, many in sorted(times.items()):
        rank -= many
        if rank <= 0:
            return value
    return None


def pairs(times: Times) -> list[tuple[float, int]]:
    """Write them so that they survive JSON and msgpack, where keys are texts."""
    return list(times.items())


def added(times: dict[float, int], more: Iterable[tuple[float, int]]) -> None:
    for value, many in more:
        times[value] = times.get(value, 0) + many
