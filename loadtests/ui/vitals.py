"""The figures of a service from its answers at /stats: shares of time need two of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from loadtests.run.beyond.drift import Drift, drift

SHOWN_S = 120.0
KEPT = 4 * 3600  # answers, for what drifts
SILENT_S = 3.0
GIL_ANSWERS = 5  # over which the share of the GIL is taken: one second has few samples
GAUGES = ("busy", "slots", "queued", "refused", "expired", "cancelled", "restarted", "lost")


class Vitals:
    """The answers of one service so far; `begun` is when a page began to show it."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self._answers: deque[Mapping[str, Any]] = deque(maxlen=GIL_ANSWERS + 1)
        self._lags: deque[tuple[float, float | None, float | None]] = deque()  # time, p50 and p99
        self._memory: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._pss: Mapping[int, float] = {}

    def add(self, at: float, stats: Mapping[str, Any]) -> None:
        """Add an answer. One that goes back in time is that of another server."""
        if self._answers and stats["uptime_s"] < self._answers[-1]["uptime_s"]:
            self._answers.clear()
            self._memory.clear()
        self._answers.append(stats)
        lag = stats["loop_lag_ms"]
        self._add_lag(at, lag["p50"], lag["p99"])
        self._memory.append((at, sum(process["rss_mib"] for process in stats["processes"])))

    def miss(self, at: float) -> None:
        """Note that there was no answer."""
        self._add_lag(at, None, None)

    def weigh(self, pss_mib: Mapping[int, float]) -> None:
        """Take the memory of processes by their pid, with shared memory counted once."""
        self._pss = pss_mib

    def as_json(self, now: float) -> dict[str, Any]:
        """Show the service; what cannot be known is None."""
        answered_at = self._memory[-1][0] if self._memory else self.begun
        silent_s = now - max(self.begun, answered_at)
        stats = self._answers[-1] if self._answers else {}
        return {
            "silent_s": silent_s if silent_s > SILENT_S else None,
            "uptime_s": stats.get("uptime_s"),
            "lag_ms": stats.get("loop_lag_ms"),
            "lags": [[at - now, p50, p99] for at, p50, p99 in self._lags],
            "processes": [
                {**process, "cpu": self._cpu(process), "pss_mib": self._pss.get(process["pid"])}
                for process in stats.get("processes", ())
            ],
            "models": [
                {"name": name, **{gauge: gauges.get(gauge) for gauge in GAUGES}}
                for name, gauges in stats.get("models", {}).items()
                if gauges
            ],
            "gil": self._gil(),
        }

    def memory_drift(self) -> Drift | None:
        """Return the growth of the memory of all processes, in MiB a minute; None if too early."""
        if not self._memory:
            return None
        begun = self._memory[0][0]
        points = [(at - begun, mib) for at, mib in self._memory]
        return drift(points, points[-1][0])

    def _add_lag(self, at: float, p50: float | None, p99: float | None) -> None:
        self._lags.append((at, p50, p99))
        while at - self._lags[0][0] > SHOWN_S:
            self._lags.popleft()

    def _cpu(self, process: Mapping[str, Any]) -> float | None:
        """Return the share of a core that a process used between the last two answers.

        The time is that of the server's own clock, because an answer may have been delayed.
        """
        if len(self._answers) < 2:
            return None
        before, last = self._answers[-2], self._answers[-1]
        elapsed_s = max(0.05, last["uptime_s"] - before["uptime_s"])
        for other in before["processes"]:
            if other["pid"] == process["pid"]:
                return float((process["cpu_s"] - other["cpu_s"]) / elapsed_s)
        return None

    def _gil(self) -> list[dict[str, Any]]:
        """Return the share of the time that the GIL was held, for each process that reports it."""
        if len(self._answers) < 2:
            return []
        before = {gil["pid"]: gil for gil in self._answers[0].get("gils", ())}
        shares = []
        for gil in self._answers[-1].get("gils", ()):
            first = before.get(gil["pid"], {"samples": 0, "held": 0})
            samples = gil["samples"] - first["samples"]
            if samples > 0:
                shares.append({"pid": gil["pid"], "share": (gil["held"] - first["held"]) / samples})
        return shares
