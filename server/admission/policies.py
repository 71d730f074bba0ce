"""Admission policies: how many calls may be under way at once, and who of those that wait is next.

    unbounded   any number, however late: as tutorials write it, and what it does under overload
    bounded     a queue of a fixed length, first come first served
    deadline    as many as are worked off within the target, by the pace of the last departures
    lifo        a queue of a fixed length, newest first: somebody is served in time
    adaptive    a limit learned from latency: additive increase, multiplicative decrease

None of them lets a worker idle: one call more than there are workers is always let in, so that
one waits when a worker is free.
"""

from __future__ import annotations

from math import inf
from typing import ClassVar


class Policy:
    """One way to bound the calls under way: those that run, and those that wait.

    `wait_s` bounds the wait in the queue; who waits longer is refused.
    """

    newest_first: ClassVar[bool] = False
    slack: ClassVar[float | None] = None  # targets that an answer may take; None where any time may
    wait_s = inf

    def __init__(self, workers: int, queue: int, target_s: float) -> None:
        self.workers = workers
        self.most = workers + queue
        self.target_s = target_s

    @classmethod
    def answered_within(cls, target_s: float) -> float | None:
        """Return how soon an admitted call should be answered; None if admission ignores times."""
        return None if cls.slack is None else round(cls.slack * target_s, 6)

    def limit(self, under_way: int, pace_s: float | None) -> float:
        """How many calls may be under way, asked when another one comes while so many are.

        Departures are `pace_s` apart; None while nothing is known.
        """
        return self.most

    def learn(self, now: float, took_s: float, under_way: int) -> None:
        """Take in that a call left at `now` after so long, of so many that were under way."""

    def why(self, under_way: int) -> str:
        """Say why a call is refused while so many are under way."""
        waiting = under_way - self.workers
        return f"all {self.workers} workers are busy and {waiting} requests wait already"


class Unbounded(Policy):
    def limit(self, under_way: int, pace_s: float | None) -> float:
        return inf


class Bounded(Policy):
    pass


BURST = 1.5  # of the target, for the answers of a burst
STANDS = 0.7  # of the target: a queue that is as long as that in the mean stands
LATELY = 64  # arrivals


class Deadline(Policy):
    """A queue may be half as long again while it is a burst, and not one that stands.

    It stands if it was nearly full for most of those who came lately: such a queue has no end by
    itself, and only makes everybody wait (as in CoDel, and "Fail at Scale", ACM Queue 13/8).
    """

    slack = BURST

    def __init__(self, workers: int, queue: int, target_s: float) -> None:
        super().__init__(workers, queue, target_s)
        self.wait_s = BURST * target_s
        self._mean = 0.0

    def limit(self, under_way: int, pace_s: float | None) -> float:
        if pace_s is None:
            return self.most
        within = self.target_s / pace_s
        self._mean += (under_way - self._mean) / LATELY
        if self._mean < STANDS * within:
            within *= BURST
        return min(max(within, self.workers + 1), self.most)

    def why(self, under_way: int) -> str:
        return (
            f"{under_way} requests are under way already, "
            f"more than {self.workers} workers answer within {self.target_s * 1e3:g} ms"
        )


class Lifo(Policy):
    newest_first = True
    slack = BURST

    def __init__(self, workers: int, queue: int, target_s: float) -> None:
        super().__init__(workers, queue, target_s)
        self.wait_s = target_s


DECREASE = 0.9


class Adaptive(Policy):
    """The limit grows by one for each round trip in time, and shrinks by a tenth when one is late.

    It shrinks once per round trip at most, for the answers that are on their way know nothing of
    it yet; and grows only while half of it is used, for an idle server proves nothing.
    """

    slack = BURST

    def __init__(self, workers: int, queue: int, target_s: float) -> None:
        super().__init__(workers, queue, target_s)
        self._limit = min(2.0 * workers, self.most)
        self._holds_until = 0.0

    def limit(self, under_way: int, pace_s: float | None) -> float:
        return self._limit

    def learn(self, now: float, took_s: float, under_way: int) -> None:
        if took_s <= self.target_s:
            if 2 * under_way >= self._limit:
                self._limit = min(self._limit + 1 / self._limit, self.most)
        elif now >= self._holds_until:
            self._limit = max(DECREASE * self._limit, min(self.workers + 1, self.most))
            self._holds_until = now + took_s

    def why(self, under_way: int) -> str:
        return (
            f"{under_way} requests are under way already, "
            f"and with more of them answers took longer than {self.target_s * 1e3:g} ms"
        )


TABLE: dict[str, type[Policy]] = {
    "unbounded": Unbounded,
    "bounded": Bounded,
    "deadline": Deadline,
    "lifo": Lifo,
    "adaptive": Adaptive,
}
