"""How the service fares: the lag of its event loops, and what all of them say taken together."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import monotonic
from typing import Any

from server.telemetry.board import PUBLISH_S, Snapshot
from server.telemetry.counts import BOUNDS_S, Totals

INTERVAL_S = 0.02  # 50 looks a second: dense enough for a p99 over the window, and free of charge
WINDOW_S = 10.0


class LoopLag:
    """How late the event loop runs a timer: the measure of whether it still lives."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=round(WINDOW_S / INTERVAL_S))
        self._timer: asyncio.TimerHandle | None = None
        self.counts = [0] * (len(BOUNDS_S) + 1)  # how many were late up to each bound, ever

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Measure while the context is open."""
        self._look_again(asyncio.get_running_loop())
        try:
            yield
        finally:
            if self._timer:
                self._timer.cancel()

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(INTERVAL_S, self._look, loop, monotonic() + INTERVAL_S)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        lag = max(0.0, monotonic() - due)
        self._lags.append(lag)
        self.counts[bisect_left(BOUNDS_S, lag)] += 1
        self._look_again(loop)

    def percentiles(self) -> dict[str, float]:
        """p50, p99 and maximum of the last ten seconds, in milliseconds."""
        lags = sorted(self._lags) or [0.0]
        last = len(lags) - 1
        picked = {"p50": lags[last // 2], "p99": lags[round(last * 0.99)], "max": lags[-1]}
        return {name: round(lag * 1e3, 3) for name, lag in picked.items()}


@dataclass(frozen=True, slots=True)
class Whole:
    """What the loops of the service say, taken together.

    `models` has for each model its gauges and counters, summed, and all its workers. `lag_ms` has
    the median of the medians, and the worst of the rest. `gils` has one GIL for each process that
    lives and can tell.
    """

    lag_ms: dict[str, float]
    loops: list[dict[str, Any]]
    models: dict[str, dict[str, Any]]
    gils: list[dict[str, int]]
    totals: Totals


def merge(snapshots: Iterable[Snapshot], now: float) -> Whole:
    """Take snapshots together, of which one at least is from a loop that lives."""
    everyone = list(snapshots)
    living = [(one, one.lag_ms, now - one.at) for one in everyone if one.lag_ms is not None]
    totals = sum((one.totals for one in everyone), Totals())
    models: dict[str, dict[str, Any]] = {name: {} for one, *_ in living for name in one.gauges}
    for one, *_ in living:
        for name, gauges in one.gauges.items():
            for gauge, value in gauges.items():
                models[name][gauge] = models[name].get(gauge, 0) + value
    for (name, what), count in totals.models.items():
        models[name][what] = count
    for one, *_ in living:
        for name, workers in one.workers.items():
            models[name].setdefault("workers", []).extend(workers)
    lag_ms = {
        "p50": round(median(lag["p50"] for _, lag, _ in living), 3),
        "p99": max(lag["p99"] for _, lag, _ in living),
        "max": max(max(lag["max"], _silent_ms(age_s)) for _, lag, age_s in living),
    }
    loops = [
        {
            "pid": one.pid,
            "thread": one.thread,
            "loop_lag_ms": lag,
            "age_s": round(age_s, 3),
            "cpu_s": round(one.cpu_s, 6),
            "lag_counts": list(one.lag_counts),
        }
        for one, lag, age_s in living
    ]
    gils = [
        {"pid": pid, "samples": totals.gil[pid][0], "held": totals.gil[pid][1]}
        for pid in dict.fromkeys(one.pid for one, *_ in living)
        if pid in totals.gil
    ]
    return Whole(lag_ms, loops, models, gils, totals)


def _silent_ms(age_s: float) -> float:
    """For how long a loop has been late with its next words: one that is blocked cannot say it."""
    return round(max(0.0, age_s - PUBLISH_S) * 1e3, 3)
