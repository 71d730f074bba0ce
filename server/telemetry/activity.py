"""Whether an event loop has anything to do: what measures it rests meanwhile.

Several servers may be up at once, and those that are idle must not take time from the one that is
measured. Counting is part of every request, so it costs two additions and one comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, process_time

REST_S = 1.0  # after the last sign of activity
BUSY = 0.1  # of a core; measuring takes a tenth of it


class Activity:
    """How many requests of one event loop have begun and ended.

    While `resting`, the next request calls `wake`.
    """

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.resting = False
        self.wake: Callable[[], None] = _nothing
        self._begun, self._cpu_s, self._looked = 0, process_time(), monotonic()
        self._active = self._looked

    @property
    def running(self) -> int:
        return self.begun - self.ended

    def idle(self, *, busy: bool) -> bool:
        """Whether nothing has happened for a while; call it regularly.

        `busy` workers count, and so does CPU time of the process: work may outlive its request, and
        still hold the GIL or block the event loop.
        """
        now, cpu_s = monotonic(), process_time()
        computing = cpu_s - self._cpu_s > BUSY * (now - self._looked)
        if busy or computing or self.running or self.begun > self._begun:
            self._active = now
        self._begun, self._cpu_s, self._looked = self.begun, cpu_s, now
        return now - self._active >= REST_S


def _nothing() -> None:
    pass
