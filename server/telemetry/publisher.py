"""The vital signs of the service: each event loop publishes its own, and can read those of all.

While nothing happens, the loop is not measured; the next request starts the timers again.
"""

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
from server.telemetry.activity import REST_S, Activity
from server.telemetry.board import PUBLISH_S, Place, Snapshot, Whole, merge
from server.telemetry.counts import BOUNDS_S, Counts, Totals
from server.telemetry.gil import SHARED, Sampler
from server.telemetry.processes import Process, cpu_by_role, processes
from server.worker.errands import in_own_thread

INTERVAL_S = 0.02  # 50 timers a second: enough for a p99 over the window, at no noticeable cost
WINDOW_S = 10.0
# The figures of a model that only grow.
COUNTED = ("refused", "expired", "cancelled", "restarted", "lost")


class LoopLag:
    """How late the event loop runs its timers: whether it still responds."""

    def __init__(self) -> None:
        self._lags: deque[tuple[float, float]] = deque(maxlen=round(WINDOW_S / INTERVAL_S))
        self._timer: asyncio.TimerHandle | None = None
        self.counts = [0] * (len(BOUNDS_S) + 1)  # by how late they were, since the start

    def start(self) -> None:
        """Measure the running loop until `stop`."""
        self._set_timer(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(INTERVAL_S, self._measure, loop, monotonic() + INTERVAL_S)

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = monotonic()
        lag = max(0.0, now - due)
        self._lags.append((now, lag))
        self.counts[bisect_left(BOUNDS_S, lag)] += 1
        self._set_timer(loop)

    def percentiles(self) -> dict[str, float]:
        """Return p50, p99 and the maximum of the last ten seconds, in milliseconds."""
        since = monotonic() - WINDOW_S
        lags = sorted(lag for at, lag in self._lags if at > since) or [0.0]
        last = len(lags) - 1
        picked = {"p50": lags[last // 2], "p99": lags[round(last * 0.99)], "max": lags[-1]}
        return {name: round(lag * 1e3, 3) for name, lag in picked.items()}


class Vitals:
    """What one event loop measures, and its place on the board of the service.

    The successor of a process continues from the totals at its place, so that the counters of the
    service never fall.
    """

    def __init__(self, place: Place, models: Mapping[str, Model], counts: Counts) -> None:
        self._board = place.board
        self._slot = place.slot
        self._models = models
        self._counts = counts
        self.activity = Activity()
        self._lag = LoopLag()
        self._gil = Sampler()
        self._cpu_s: dict[str, float] = {}
        before = self._board.read(self._slot)
        self._inherited = before.totals if before else Totals()

    @asynccontextmanager
    async def published(self) -> AsyncIterator[None]:
        """Measure and publish while the context is open."""
        with SHARED.sampler() as self._gil:
            self._lag.start()
            self.activity.wake = self._wake
            publishing = asyncio.create_task(self._publish_regularly())
            try:
                yield
            finally:
                publishing.cancel()
                self._rest()

    def _wake(self) -> None:
        self.activity.resting = False
        self._lag.start()
        self._gil.wake()

    def _rest(self) -> None:
        if not self.activity.resting:
            self.activity.resting = True
            self._lag.stop()
            self._gil.rest()

    async def _publish_regularly(self) -> None:
        while True:
            self._publish()
            busy = any(model.gauges().get("busy") for model in self._models.values())
            if self.activity.idle(busy=busy):
                self._rest()
            elif self.activity.resting:  # something computes without a request
                self._wake()
            # No other loop reads the board of a service with only this one.
            alone = self.activity.resting and not self._board.shared
            await asyncio.sleep(REST_S if alone else PUBLISH_S)

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
        samples = self._gil.samples
        gil = {pid: samples} if samples else {}
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
        return await in_own_thread(processes, self._board.root)

    async def stats(self) -> dict[str, Any]:
        """Return what `/stats` shows of the whole service."""
        listed = await self._processes()
        whole = self._whole()
        return {
            "uptime_s": round(self._uptime_s, 3),
            "loop_lag_ms": whole.lag_ms,
            "models": whole.models,
            "processes": [process.shown() for process in listed],
            "loops": whole.loops,
            "lag_bounds_s": BOUNDS_S,
            "gils": whole.gils,
        }

    async def metrics(self, runtime: Mapping[str, Any], **form: bool) -> tuple[bytes, str]:
        """Return what `/metrics` shows of the whole service in a form, and its content type."""
        listed = await self._processes()
        # A process may end unseen, and another loop may answer the next time. Counters must not
        # fall, so the highest value of all loops is published.
        self._cpu_s = (self._whole().totals + Totals(cpu_s=cpu_by_role(listed))).cpu_s
        whole = self._whole()
        return await in_own_thread(_rendered, whole, listed, runtime, self._uptime_s, form)


def _rendered(
    whole: Whole,
    listed: list[Process],
    runtime: Mapping[str, Any],
    uptime_s: float,
    form: Mapping[str, bool],
) -> tuple[bytes, str]:
    from server.telemetry.prometheus import Families, render  # noqa: PLC0415 - only when requested

    return render(Families(whole, listed, runtime, uptime_s), **form)
