"""How fast a model works off its calls: what its queue is worth in seconds."""

from __future__ import annotations

KEEP = 1 - 1 / 64  # of what was learned before, at each departure
ENOUGH = 4.0  # departures before anything is said


class Departures:
    """The mean time between two departures while all workers are busy.

    With so many calls inside, the last of them is done after as many times this (Little's law),
    whatever bounds the work: workers, cores, or the GIL. Intervals in which a worker idled would
    tell of the load, not of the model, and do not count.
    """

    def __init__(self) -> None:
        self._time = self._count = 0.0
        self._last: float | None = None

    def departed(self, now: float, *, full: bool) -> None:
        """Note that a call has left at `now` (monotonic); `full` if all workers are busy again."""
        if self._last is not None:
            self._time = KEEP * self._time + now - self._last
            self._count = KEEP * self._count + 1
        self._last = now if full else None

    def idle(self) -> None:
        """Note that a worker has nothing to do: what comes next is no interval."""
        self._last = None

    @property
    def seconds(self) -> float | None:
        """Between departures, a microsecond at least; None while nothing is known."""
        return max(self._time / self._count, 1e-6) if self._count >= ENOUGH else None
