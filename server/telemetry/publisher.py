"""The vital signs of the service: each event loop publishes its own, and can tell those of all."""

from __future__ import annotations

import asyncio
import os
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic, thread_time
from typing import Any

from server.models.base import Model
from server.telemetry.board import PUBLISH_S, Place, Snapshot, Whole, merge
from server.telemetry.counts import BOUNDS_S, Counts, Totals
from server.telemetry.gil import SHARED, Sampler
from server.telemetry.processes import Process, cpu_by_role, processes

INTERVAL_S = 0.02  # 50 looks a second: dense enough for a p99 over the window, and free of charge
WINDOW_S = 10.0
COUNTED = (
    "refused",
    "expired",
    "cancelled",
    "restarted",
    "lost",
)  # the gauges of a model that only grow


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


class Vitals:
    """What one event loop measures, and its place on the board of the service.

    Where a process is replaced, its successor counts on from what it finds at its place: so the
    counters of the service never fall.
    """

    def __init__(self, place: Place, models: Mapping[str, Model], counts: Counts) -> None:
        self._board = place.board
        self._slot = place.slot
        self._models = models
        self._counts = counts
        self._lag = LoopLag()
        self._gil: Sampler | None = None
        self._cpu_s: dict[str, float] = {}
        before = self._board.read(self._slot)
        self._inherited = before.totals if before else Totals()

    @asynccontextmanager
    async def published(self) -> AsyncIterator[None]:
        """Measure, and publish again and again where others may be asked."""
        with SHARED.sampler() as self._gil:
            async with self._lag.watch():
                publishing = asyncio.create_task(self._publish_for_ever())
                try:
                    yield
                finally:
                    publishing.cancel()

    async def _publish_for_ever(self) -> None:
        while True:
            self._publish()
            await asyncio.sleep(PUBLISH_S)

    def _publish(self) -> None:
        gauges: dict[str, dict[str, int]] = {}
        counted: dict[tuple[str, str], int] = {}
        for name, model in self._models.items():
            gauges[name] = model.gauges()
            for what in COUNTED:
                if what in gauges[name]:
                    counted[name, what] = gauges[name].pop(what)
        counts = self._counts
        pid, cpu_s = os.getpid(), thread_time()
        seen = self._gil.seen if self._gil else None
        gil = {pid: seen} if seen else {}
        totals = Totals(counts.requests(), counts.durations(), counted, self._cpu_s, cpu_s, gil)
        snapshot = Snapshot(
            pid,
            threading.current_thread().name,
            monotonic(),
            self._lag.percentiles(),
            gauges,
            {name: workers for name, model in self._models.items() if (workers := model.workers())},
            self._inherited + totals,
            cpu_s,
            tuple(self._lag.counts),
        )
        self._board.publish(self._slot, snapshot)

    def _whole(self) -> Whole:
        self._publish()
        return merge(self._board.all(), monotonic())

    @property
    def _uptime_s(self) -> float:
        return monotonic() - self._board.born

    async def _processes(self) -> list[Process]:
        return await asyncio.to_thread(processes, self._board.root)

    async def stats(self) -> dict[str, Any]:
        """What `/stats` shows of the whole service."""
        found = await self._processes()
        whole = self._whole()
        return {
            "uptime_s": round(self._uptime_s, 3),
            "loop_lag_ms": whole.lag_ms,
            "models": whole.models,
            "processes": [process.shown() for process in found],
            "loops": whole.loops,
            "lag_bounds_s": BOUNDS_S,
            "gils": whole.gils,
        }

    async def metrics(self, runtime: Mapping[str, Any], accept: str) -> tuple[bytes, str]:
        """What `/metrics` shows of the whole service, and its content type."""
        found = await self._processes()
        # Processes end while they are looked at, and take unseen time with them; and another loop
        # may tell the next time. So the highest that was told is published: no counter may fall.
        self._cpu_s = (self._whole().totals + Totals(cpu_s=cpu_by_role(found))).cpu_s
        whole = self._whole()
        return await asyncio.to_thread(_rendered, whole, found, runtime, self._uptime_s, accept)


def _rendered(
    whole: Whole, found: list[Process], runtime: Mapping[str, Any], uptime_s: float, accept: str
) -> tuple[bytes, str]:
    from server.telemetry.prometheus import Families, render  # noqa: PLC0415 - not before somebody asks

    return render(Families(whole, found, runtime, uptime_s), accept)
