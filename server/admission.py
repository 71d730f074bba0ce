"""A bulkhead for each model: worker slots, a bounded queue, a deadline for waiting in it.

The queues inside the standard executors have no bound; so the bound stands in front of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from server.errors import Expired, Refused


class Bulkhead:
    """Let `slots` calls in, `queue` wait at most `deadline_s`, and refuse the rest at once.

    A slot is left when the work ends, not when its request is answered, so that `busy` is honest
    about workers that run past a deadline.
    """

    def __init__(self, slots: int, queue: int, deadline_s: float) -> None:
        self.slots = slots
        self.queue = queue
        self.deadline_s = deadline_s
        self.busy = 0
        self.refused = 0
        self.expired = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def queued(self) -> int:
        return len(self._waiting)

    async def enter(self, accepted: float) -> None:
        """Take a slot, after a wait in the queue if need be.

        `accepted` is the monotonic time from which the deadline counts. Raises Refused when the
        queue is full, Expired when the deadline passes in it.
        """
        if self.busy < self.slots:
            self.busy += 1
            return
        if len(self._waiting) >= self.queue:
            self.refused += 1
            raise Refused(
                f"all {self.slots} slots are busy and {self.queue} requests wait already",
                "Come back later, send less, or start the server with a longer --queue.",
            )
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(self.remaining(accepted), self._expire, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the slot was handed over in the same moment
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise
        finally:
            timer.cancel()

    def leave(self) -> None:
        """Give the slot to who waits longest, or free it."""
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self.busy -= 1

    def remaining(self, accepted: float) -> float:
        """Seconds until the deadline of a request that was accepted then."""
        return max(0.0, accepted + self.deadline_s - monotonic())

    def gauges(self) -> dict[str, int]:
        """Slots, busy and queued now; refused and expired since the start."""
        return {
            "slots": self.slots,
            "busy": self.busy,
            "queued": self.queued,
            "refused": self.refused,
            "expired": self.expired,
        }

    def _expire(self, turn: asyncio.Future[None]) -> None:
        self._waiting.remove(turn)
        self.expired += 1
        turn.set_exception(late(self.deadline_s, "waited for a worker"))


def late(deadline_s: float, what: str) -> Expired:
    """The answer to a request that is past its deadline."""
    return Expired(
        f"the request {what} past its deadline of {deadline_s:g} s",
        "Send less, ask for less work, or start the server with a longer --deadline.",
    )
