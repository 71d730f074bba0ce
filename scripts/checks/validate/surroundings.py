"""What else ran on the machine: other programs may explain a figure that disagrees."""

from __future__ import annotations

from time import monotonic, sleep

import psutil

LOOK_S = 0.5


def foreign_cores() -> float:
    """How many cores are busy while this program is idle."""
    before, begun = psutil.cpu_times(), monotonic()
    sleep(LOOK_S)
    after, took = psutil.cpu_times(), monotonic() - begun
    idle = _idle(after) - _idle(before)
    return max(0.0, (psutil.cpu_count() or 1) - idle / took)


def stolen_s() -> float | None:
    """CPU seconds that the host has withheld from this machine so far; None if unknown."""
    steal: float | None = getattr(psutil.cpu_times(), "steal", None)
    return steal


def described(before: float, after: float, steal_s: float | None, took_s: float) -> str:
    """Describe what else ran beside a case, in one clause."""
    stolen = "" if steal_s is None else f", and {steal_s / took_s:.2f} cores were stolen meanwhile"
    return f"other programs kept {before:.1f} cores busy before it and {after:.1f} after it{stolen}"


def _idle(times: object) -> float:
    return sum(getattr(times, name, 0.0) for name in ("idle", "iowait"))
