"""How fast a model completes its calls, which gives its queue a length in seconds."""

from __future__ import annotations

KEEP = 1 - 1 / 64  # weight of the past at each departure
ENOUGH = 4.0  # departures before there is an estimate


class Departures:
    """The mean time between two departures while all workers are busy.

    With N calls inside, the last of them is done after N times this (Little's law), whatever
    limits the work: workers, cores, or the GIL. Intervals in which a worker was idle depend on the
    load, not on the model, so they do not count.
    """

    def __init__(self) -> None:
        self._time = self._count = 0.0
        self._last: float | None = None

    def departed(self, now: float, *, full: bool) -> None:
        """Record that a call left at `now` (monotonic); `full` if all workers are busy again."""
        if self._last is not None:
            self._time = KEEP * self._time + now - self._last
            self._count = KEEP * self._count + 1
        self._last = now if full else None

    def idle(self) -> None:
        """Record that a worker is idle: the time until the next departure does not count."""
        self._last = None

    @property
    def seconds(self) -> float | None:
        """Seconds between departures, at least a microsecond; None while unknown."""
        return max(self._time / self._count, 1e-6) if self._count >= ENOUGH else None
