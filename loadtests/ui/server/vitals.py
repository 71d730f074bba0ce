"""What a service says of itself at /stats, look by look: shares of time need two of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from loadtests.run.beyond.drift import Drift, drift

SHOWN_S = 120.0
KEPT = 4 * 3600  # looks, for what drifts
SILENT_S = 3.0
GIL_LOOKS = 5  # over which the share of the GIL is taken: one second has few samples
GAUGES = ("busy", "slots", "queued", "refused", "expired", "cancelled", "restarted", "lost")


class Look(NamedTuple):
    """One answer at /stats, at a monotonic time."""

    at: float
    stats: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """Of one look: the lag of the event loop in ms; None where there was no answer."""

    at: float
    p50_ms: float | None
    p99_ms: float | None


class Vitals:
    """What was read of one service so far; `begun` is when a page began to show it."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self._looks: deque[Look] = deque(maxlen=GIL_LOOKS + 1)
        self._points: deque[Point] = deque()
        self._memory: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._pss: dict[int, float] = {}

    def take(self, at: float, stats: Mapping[str, Any]) -> None:
        """Take in an answer. One that goes back in time is that of another server."""
        if self._looks and stats["uptime_s"] < self._looks[-1].stats["uptime_s"]:
            self._looks.clear()
            self._memory.clear()
        self._looks.append(Look(at, stats))
        lag = stats["loop_lag_ms"]
        self._add(Point(at, lag["p50"], lag["p99"]))
        total = sum(process["rss_mib"] for process in stats["processes"])
        self._memory.append((at, total))

    def missed(self, at: float) -> None:
        """Note that there was no answer."""
        self._add(Point(at, None, None))

    def weighed(self, pss_mib: Mapping[int, float]) -> None:
        """Take the memory of processes, without what they share counted twice, by their pid."""
        self._pss = dict(pss_mib)

    def shown(self, now: float) -> dict[str, Any]:
        """Say how the service fares; what cannot be known is None."""
        last = self._looks[-1] if self._looks else None
        silent_s = now - max(self.begun, last.at if last else self.begun)
        stats = last.stats if last else {}
        return {
            "silent_s": silent_s if silent_s > SILENT_S else None,
            "uptime_s": stats.get("uptime_s"),
            "lag_ms": stats.get("loop_lag_ms"),
            "lags": [[point.at - now, point.p50_ms, point.p99_ms] for point in self._points],
            "processes": [self._process(process) for process in stats.get("processes", ())],
            "models": [
                {"name": name, **{gauge: gauges.get(gauge) for gauge in GAUGES}}
                for name, gauges in stats.get("models", {}).items()
                if gauges
            ],
            "gil": self._gil(),
        }

    def memory_drift(self) -> Drift | None:
        """How the memory of all processes grows, in MiB a minute; None for too few looks."""
        if not self._memory:
            return None
        begun = self._memory[0][0]
        points = [(at - begun, mib) for at, mib in self._memory]
        return drift(points, points[-1][0])

    def _add(self, point: Point) -> None:
        self._points.append(point)
        while point.at - self._points[0].at > SHOWN_S:
            self._points.popleft()

    def _process(self, process: Mapping[str, Any]) -> dict[str, Any]:
        pid = process["pid"]
        return {**process, "cpu": self._share(process), "pss_mib": self._pss.get(pid)}

    def _share(self, process: Mapping[str, Any]) -> float | None:
        """Divide what a process used since the look before by the time between."""
        if len(self._looks) < 2:
            return None
        before, last = self._looks[-2], self._looks[-1]
        for other in before.stats["processes"]:
            if other["pid"] == process["pid"]:
                return float((process["cpu_s"] - other["cpu_s"]) / _between(before, last))
        return None

    def _gil(self) -> list[dict[str, Any]]:
        """For each process that can tell, the share of the time that its GIL was held."""
        if len(self._looks) < 2:
            return []
        first, last = (_gils(self._looks[at].stats.get("gils", ())) for at in (0, -1))
        shares = []
        for pid, (samples, held) in last.items():
            samples_before, held_before = first.get(pid, (0, 0))
            if samples > samples_before:
                shares.append((pid, (held - held_before) / (samples - samples_before)))
        return [{"pid": pid, "share": share} for pid, share in shares]


def _gils(gils: Sequence[Mapping[str, Any]]) -> dict[int, tuple[int, int]]:
    return {gil["pid"]: (gil["samples"], gil["held"]) for gil in gils}


def _between(before: Look, last: Look) -> float:
    """Seconds by the server's own clock: an answer may have been held up."""
    return max(0.05, float(last.stats["uptime_s"] - before.stats["uptime_s"]))
