"""How the server itself fares: the lag of its event loop, and what its processes consume."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import psutil

INTERVAL_S = 0.02  # 50 looks a second: dense enough for a p99 over the window, and free of charge
WINDOW_S = 10.0


class LoopLag:
    """How late the event loop runs a timer: the measure of whether it still lives."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=round(WINDOW_S / INTERVAL_S))
        self._timer: asyncio.TimerHandle | None = None

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
        self._lags.append(max(0.0, monotonic() - due))
        self._look_again(loop)

    def percentiles(self) -> dict[str, float]:
        """p50, p99 and maximum of the last ten seconds, in milliseconds."""
        lags = sorted(self._lags) or [0.0]
        last = len(lags) - 1
        picked = {"p50": lags[last // 2], "p99": lags[round(last * 0.99)], "max": lags[-1]}
        return {name: round(lag * 1e3, 3) for name, lag in picked.items()}


def processes() -> list[dict[str, Any]]:
    """List this process and all below it: CPU seconds, memory, threads. Blocks for milliseconds."""
    server = psutil.Process()
    found = []
    for process in (server, *server.children(recursive=True)):
        try:
            with process.oneshot():
                cpu, memory = process.cpu_times(), process.memory_info()
                found.append(
                    {
                        "pid": process.pid,
                        "role": "server" if process == server else _role(process),
                        "cpu_s": round(cpu.user + cpu.system, 3),
                        "rss_mib": round(memory.rss / 2**20, 1),
                        "threads": process.num_threads(),
                    }
                )
        except psutil.Error:
            continue  # it ended while we looked
    return found


def _role(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    for sign, role in (
        ("server.site", "site"),
        ("resource_tracker", "resource tracker"),
        ("forkserver", "fork server"),
    ):
        if sign in command and not (role == "fork server" and _forked(process)):
            return role
    return "worker"


def _forked(process: psutil.Process) -> bool:
    """Tell a worker from the fork server that it came from: both have one command line."""
    parent = process.parent()
    return parent is not None and parent.cmdline() == process.cmdline()
