"""A bulkhead for each model: workers, a queue that a policy bounds, and a deadline.

The queues inside the standard executors are unbounded, so the bound is applied in front of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from math import ceil, inf
from time import monotonic

from server.admission.deadlines import Deadlines, Watch
from server.admission.policies import Policy, load
from server.errors import Refused
from server.settings import Settings

COVER_S = 0.02  # of work sent ahead hides the hop, even if its threads have to wait for the GIL
HINT = "Retry later, reduce the load, or start the server with more workers or another --admission."
KEEP = 1 - 1 / 64  # weight of past departures at each new one
ENOUGH = 4.0  # departures before there is an estimate of their pace


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


class Bulkhead:
    """Admit calls for `workers`, queue more as the policy allows, and refuse the rest at once.

    Some executors need calls `ahead` of a free worker, as many as it completes in `cover_s`: those
    are admitted, but count as queued. A place is freed when the work ends, not when its request is
    answered, so that `busy` includes workers that run past a deadline.
    """

    def __init__(
        self,
        workers: int,
        policy: Policy,
        deadline_s: float,
        ahead: int = 0,
        cover_s: float = COVER_S,
    ) -> None:
        self.workers = workers
        self.policy = policy
        self.deadlines = Deadlines(deadline_s)
        self.refused = self.cancelled = 0
        self._abandoned: set[object] = set()
        self._waits = Watch(policy.wait_s, lambda _: self._refusal())
        self._pace = Departures()
        self._ahead = ahead
        self._cover_s = cover_s
        self._places = self._wanted_places()
        self._inside = 0
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @classmethod
    def of(
        cls, settings: Settings, workers: int, ahead: int = 0, cover_s: float = COVER_S
    ) -> Bulkhead:
        """Create the bulkhead that the settings describe."""
        policy = _policy(settings, workers)
        deadline_s = inf if settings.admission == "unbounded" else settings.deadline
        return cls(workers, policy, deadline_s, ahead, cover_s)

    @property
    def busy(self) -> int:
        return min(self._inside, self.workers)

    @property
    def queued(self) -> int:
        return self._under_way - self.busy

    @property
    def abandoned(self) -> int:
        """How many workers are busy with calls whose request is late, or whose client has left."""
        return min(len(self._abandoned), self.busy)

    @property
    def _under_way(self) -> int:
        return self._inside + len(self._waiting)

    async def enter(self, accepted: float, *, again: bool = False) -> None:
        """Take a place, after waiting in the queue if necessary.

        `accepted` is the monotonic time from which the deadline counts. A call that lost its worker
        enters `again`: it was admitted before, so it is next. Raises Refused if the policy admits
        no more, Expired if the deadline passes in the queue.
        """
        under_way = self._under_way
        if not again and under_way >= self.policy.limit(under_way, self._pace.seconds):
            if not (self.policy.newest_first and self._waiting):
                raise self._refusal()
            oldest, _ = self._waiting.popitem(last=False)
            if not oldest.done():  # expired or cancelled in the same moment
                oldest.set_exception(self._refusal())
        if self._inside < self._places and not self._waiting:
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        self.deadlines.watch(turn, accepted, "waited for a worker past")
        if again:
            self._waiting.move_to_end(turn, last=self.policy.newest_first)
        else:
            self._waits.watch(turn, monotonic(), "")
        try:
            await turn
        except BaseException:
            if turn in self._waiting:
                del self._waiting[turn]
            elif not turn.cancelled() and turn.exception() is None:
                self._free()  # cancelled just as it was given the place
            raise
        finally:
            self.deadlines.forget(turn)
            self._waits.forget(turn)

    def leave(self, entered: float, call: object = None, *, worked: bool = True) -> None:
        """Free the place of a call that entered at `entered` (monotonic), or pass it on.

        Clears the abandoned mark. Calls that never ran (`worked`) do not update the pace.
        """
        now = monotonic()
        self._abandoned.discard(call)
        if worked:
            self.policy.learn(now, now - entered, self._under_way)
        self._free()
        if worked:
            self._pace.departed(now, full=self._inside >= self.workers)
            if self._ahead:
                self._places = self._wanted_places()

    def resize(self, settings: Settings, workers: int, ahead: int) -> None:
        """Change the number of workers; waiting calls keep their place."""
        self.workers, self._ahead = workers, ahead
        self.policy = _policy(settings, workers)
        self._places = self._wanted_places()
        self._hand_on()

    def abandon(self, call: object) -> None:
        """Record that no request waits for this call, which keeps its place until it leaves."""
        self._abandoned.add(call)
        self._places = self._wanted_places()

    def _free(self) -> None:
        self._inside -= 1
        self._hand_on()
        if self._inside < self.workers:
            self._pace.idle()

    def _hand_on(self) -> None:
        while self._waiting and self._inside < self._places:
            turn, _ = self._waiting.popitem(last=self.policy.newest_first)
            if not turn.done():  # expired or cancelled in the same moment
                turn.set_result(None)
                self._inside += 1

    def _wanted_places(self) -> int:
        pace_s = self._pace.seconds
        if self._abandoned:  # it is unknown when their workers will be free
            return self.workers
        covering = ceil(self._cover_s / pace_s) if pace_s else 0
        return min(self.workers + min(max(covering, self.workers), self._ahead), self.policy.most)

    def _refusal(self) -> Refused:
        """Count a refused request, and return its answer."""
        self.refused += 1
        why = self.policy.why(self._under_way)
        if self.abandoned:
            why += f" ({self.abandoned} of them with abandoned work)"
        queue_s = self._under_way * (self._pace.seconds or 0.0)
        return Refused(why, HINT, min(queue_s, self.deadlines.seconds))

    def gauges(self) -> dict[str, int]:
        """Slots, busy, queued and abandoned now; refused, expired, cancelled since the start."""
        return {
            "slots": self.workers,
            "busy": self.busy,
            "queued": self.queued,
            "abandoned": self.abandoned,
            "refused": self.refused,
            "expired": self.deadlines.expired,
            "cancelled": self.cancelled,
        }


class Visit:
    """One call's place in a bulkhead, which it has entered and leaves exactly once.

    Who leaves? As long as no worker has the call, the `with` block that hands it over, if that
    fails. From then on the end of the work, whether or not a request still waits for the answer:
    a call that was abandoned keeps its place until its worker is free again.

    A class, because a context manager made of a generator costs each call a microsecond.
    """

    __slots__ = ("_bulkhead", "_entered")

    def __init__(self, bulkhead: Bulkhead, entered: float) -> None:
        self._bulkhead = bulkhead
        self._entered = entered

    def leave(self, *, worked: bool = True) -> None:
        """Free the place; `worked` says whether a worker has spent its time on the call."""
        self._bulkhead.leave(self._entered, self, worked=worked)

    def abandon(self) -> None:
        """Record that no request waits for this call any more."""
        self._bulkhead.abandon(self)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.leave(worked=False)


def _policy(settings: Settings, workers: int) -> Policy:
    return load(settings.admission)(workers, settings.queue, settings.target)
