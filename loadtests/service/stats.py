"""The counters of a service at `GET /stats`, and the difference between two readings.

Counters only grow, so two readings describe the time between them, however late they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

LEAST_SAMPLES = 20  # for a share: fewer mean nothing
P50, P99 = 0.5, 0.99


@dataclass(frozen=True, slots=True)
class Stats:
    """One reading; anything that the service does not report is left out."""

    at: float  # seconds on the clock of the service
    # By process: samples, and in how many the GIL was held; 0 samples where there is none.
    gils: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    # By process and thread: CPU seconds, and how many lags there were up to each bound.
    loops: Mapping[tuple[int, str], tuple[float, tuple[int, ...]]] = field(default_factory=dict)
    lag_bounds_s: tuple[float, ...] = ()
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatsDelta:
    """What happened between two readings; None where the service does not report it."""

    gil: float | None = None  # share of time with the GIL held, the mean of
    servers: int = 1  # so many server processes
    loop_cores: float | None = None  # of a core, by the thread of an event loop, the mean of
    loops: int = 1  # so many of them
    loop_lag_p50_s: float | None = None
    loop_lag_p99_s: float | None = None
    slots: int | None = None
    busy: int | None = None  # of the slots, at the second reading
    left: int = 0  # busy slots at the first one
    abandoned: int = 0  # busy slots whose client had given up at the second one
    pools: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # slots, and busy ones
    lost_workers: int = 0
    threads: frozenset[tuple[int, str]] = frozenset()  # of the loops: process and name


def read_stats(body: bytes) -> Stats | None:
    """Read an answer to `GET /stats`; None if it is something else."""
    try:
        reply = json.loads(body)
        return Stats(
            at=float(reply["uptime_s"]),
            gils={
                gil["pid"]: (gil["samples"], gil["held"])
                for gil in reply.get("gils") or ()
                if gil.get("samples") is not None
            },
            loops={
                (loop["pid"], loop["thread"]): (loop["cpu_s"], tuple(loop["lag_counts"]))
                for loop in reply.get("loops") or ()
                if "lag_counts" in loop and "cpu_s" in loop
            },
            lag_bounds_s=tuple(reply.get("lag_bounds_s") or ()),
            models={
                name: model
                for name, model in dict(reply.get("models") or {}).items()
                if isinstance(model, Mapping)
            },
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def delta(before: Stats | None, after: Stats | None, model: str) -> StatsDelta:
    """Subtract two readings; only what both report counts."""
    if before is None or after is None or after.at <= before.at:
        return StatsDelta()
    took_s = after.at - before.at
    shares = [
        share
        for pid, last in after.gils.items()
        if pid in before.gils and (share := _share(before.gils[pid], last)) is not None
    ]
    both = [loop for loop in after.loops if loop in before.loops]
    cores = [(after.loops[loop][0] - before.loops[loop][0]) / took_s for loop in both]
    lags = [_less(after.loops[loop][1], before.loops[loop][1]) for loop in both]
    working = _working(after.models, model)
    gauges, earlier = (stats.models.get(working) or {} for stats in (after, before))
    return StatsDelta(
        gil=fmean(shares) if shares else None,
        servers=max(1, len({pid for pid, _ in both})),
        loop_cores=fmean(cores) if cores else None,
        loops=max(1, len(both)),
        loop_lag_p50_s=_slowest(lags, after.lag_bounds_s, P50),
        loop_lag_p99_s=_slowest(lags, after.lag_bounds_s, P99),
        slots=gauges.get("slots"),
        busy=gauges.get("busy"),
        left=int(earlier.get("busy") or 0),
        abandoned=int(gauges.get("abandoned") or 0),
        pools={} if working == model else _pools(after.models),
        lost_workers=int(gauges.get("lost") or 0) - int(earlier.get("lost") or 0),
        threads=frozenset(both),
    )


def _working(models: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """Name the model whose workers do the work: one without workers uses those of others."""
    pools = _pools(models)
    if "slots" in (models.get(model) or {}) or not pools:
        return model
    return max(pools, key=lambda name: (pools[name][1] / pools[name][0], pools[name][0]))


def _pools(models: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return the slots of each model that has some, and how many are busy."""
    return {
        name: (int(gauges["slots"]), int(gauges.get("busy") or 0))
        for name, gauges in models.items()
        if gauges.get("slots")
    }


def _share(before: tuple[int, int], after: tuple[int, int]) -> float | None:
    if not after[0]:
        return 0.0
    samples = after[0] - before[0]
    return (after[1] - before[1]) / samples if samples >= LEAST_SAMPLES else None


def _less(after: Sequence[int], before: Sequence[int]) -> list[int]:
    return [late - early for late, early in zip(after, before, strict=False)]


def _slowest(
    lags: Sequence[Sequence[int]], bounds_s: Sequence[float], share: float
) -> float | None:
    """Return a percentile of the lag, of the loop where it is largest; None without loops."""
    return max((_percentile(counts, bounds_s, share) for counts in lags), default=None)


def _percentile(counts: Sequence[int], bounds_s: Sequence[float], share: float) -> float:
    """Return the upper edge of the bucket with the percentile; 0 without samples."""
    wanted, total = share * sum(counts), 0
    for bound, count in zip((*bounds_s, *bounds_s[-1:]), counts, strict=False):
        total += count
        if total >= wanted > 0:
            return bound
    return 0.0
