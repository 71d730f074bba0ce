"""What a service says of itself at `GET /stats`, and what happened between two readings.

Its counters only grow, so two readings tell of the time between them, however late each came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

LEAST_SAMPLES = 20  # of a share: fewer say nothing
P99 = 0.99


@dataclass(frozen=True, slots=True)
class Stats:
    """One look at a service; seconds on its own clock. What it does not tell is left out.

    `gils` are (samples, held) by process, without samples where there is no GIL; `loops` are (CPU
    seconds, how many lags there were up to each bound) by thread.
    """

    at: float
    gils: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    loops: Mapping[tuple[int, str], tuple[float, tuple[int, ...]]] = field(default_factory=dict)
    lag_bounds_s: tuple[float, ...] = ()
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatsDelta:
    """What happened between two readings; None where the service does not tell.

    `gil` is the share of the time in which the GIL of a server process was held, `loop_cores`
    what the thread of a loop used of a core: means over `servers` and `loops`, whose `threads`
    are named by process and name.
    """

    gil: float | None = None
    servers: int = 1
    loop_cores: float | None = None
    loops: int = 1
    loop_lag_p99_s: float | None = None
    slots: int | None = None
    lost: int = 0
    threads: frozenset[tuple[int, str]] = frozenset()


def read_stats(body: bytes) -> Stats | None:
    """Read an answer of `GET /stats`; None if it is no such answer."""
    try:
        said = json.loads(body)
        return Stats(
            at=float(said["uptime_s"]),
            gils={
                one["pid"]: (one["samples"], one["held"])
                for one in said.get("gils") or ()
                if one.get("samples") is not None
            },
            loops={
                (one["pid"], one["thread"]): (one["cpu_s"], tuple(one["lag_counts"]))
                for one in said.get("loops") or ()
                if "lag_counts" in one and "cpu_s" in one
            },
            lag_bounds_s=tuple(said.get("lag_bounds_s") or ()),
            models={
                name: one
                for name, one in dict(said.get("models") or {}).items()
                if isinstance(one, Mapping)
            },
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def delta(before: Stats | None, after: Stats | None, model: str) -> StatsDelta:
    """Subtract two readings; only what both tell counts."""
    if before is None or after is None or after.at <= before.at:
        return StatsDelta()
    took_s = after.at - before.at
    shares = [
        share
        for pid, last in after.gils.items()
        if pid in before.gils and (share := _share(before.gils[pid], last)) is not None
    ]
    both = [loop for loop in after.loops if loop in before.loops]
    cores = [(after.loops[one][0] - before.loops[one][0]) / took_s for one in both]
    lags = [_less(after.loops[one][1], before.loops[one][1]) for one in both]
    at_work = _at_work(after.models, model)
    gauges, then = (one.models.get(at_work) or {} for one in (after, before))
    return StatsDelta(
        gil=fmean(shares) if shares else None,
        servers=max(1, len({pid for pid, _ in both})),
        loop_cores=fmean(cores) if cores else None,
        loops=max(1, len(both)),
        loop_lag_p99_s=max((_p99(counts, after.lag_bounds_s) for counts in lags), default=None),
        slots=gauges.get("slots"),
        lost=int(gauges.get("lost") or 0) - int(then.get("lost") or 0),
        threads=frozenset(both),
    )


def _at_work(models: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """Name the model whose workers do the work: one without its own uses those of others."""
    slots = {name: one["slots"] for name, one in models.items() if one.get("slots")}
    if "slots" in (models.get(model) or {}) or not slots:
        return model
    return max(slots, key=lambda name: (models[name].get("busy", 0) / slots[name], slots[name]))


def _share(before: tuple[int, int], after: tuple[int, int]) -> float | None:
    if not after[0]:
        return 0.0
    samples = after[0] - before[0]
    return (after[1] - before[1]) / samples if samples >= LEAST_SAMPLES else None


def _less(after: Sequence[int], before: Sequence[int]) -> list[int]:
    return [late - early for late, early in zip(after, before, strict=False)]


def _p99(counts: Sequence[int], bounds_s: Sequence[float]) -> float:
    """Give the upper edge of the bucket with the 99th percentile; 0 for no samples."""
    wanted, seen = P99 * sum(counts), 0
    for bound, count in zip((*bounds_s, *bounds_s[-1:]), counts, strict=False):
        seen += count
        if seen >= wanted > 0:
            return bound
    return 0.0
