"""A bulkhead for each model: workers, a bounded queue before them, and a deadline.

The queues inside the standard executors have no bound; so the bound stands in front of them.
"""

from __future__ import annotations

import asyncio
from collections import deque

from server.deadlines import Deadlines
from server.errors import Refused


class Bulkhead:
    """Let calls in for `workers`, let `queue` more wait, and refuse the rest at once.

    Some executors want to hold calls `ahead` of a free worker: those are let in, but count as
    queued. A place is left when the work ends, not when its request is answered, so that `busy`
    is honest about workers that run past a deadline.
    """

    def __init__(self, workers: int, queue: int, deadline_s: float, ahead: int = 0) -> None:
        self.workers = workers
        self.queue = queue
        self.deadlines = Deadlines(deadline_s)
        self.refused = 0
        self._places = workers + min(ahead, queue)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def busy(self) -> int:
        return min(self._inside, self.workers)

    @property
    def queued(self) -> int:
        return self._inside - self.busy + len(self._waiting)

    async def enter(self, accepted: float) -> None:
        """Take a place, after a wait in the queue if need be.

        `accepted` is the monotonic time from which the deadline counts. Raises Refused when the
        queue is full, Expired when the deadline passes in it.
        """
        if self._inside < self._places:
            self._inside += 1
            return
        if self.queued >= self.queue:
            self.refused += 1
            raise Refused(
                f"all {self.workers} workers are busy and {self.queue} requests wait already",
                "Come back later, send less, or start the server with a longer --queue.",
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.deadlines.watch(turn, accepted, "waited for a worker past")
        try:
            await turn
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self.leave()  # cancelled in the moment in which the place was handed over
            raise
        finally:
            self.deadlines.forget(turn)

    def leave(self) -> None:
        """Give the place to who waits longest, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # expired or cancelled in the same moment
                turn.set_result(None)
                return
        self._inside -= 1

    def gauges(self) -> dict[str, int]:
        """Slots, busy and queued now; refused and expired since the start."""
        return {
            "slots": self.workers,
            "busy": self.busy,
            "queued": self.queued,
            "refused": self.refused,
            "expired": self.deadlines.expired,
        }
