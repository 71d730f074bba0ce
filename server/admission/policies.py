"""Admission policies: how many calls may be under way at once, and which waiting call is next.

    unbounded   any number, however late: as in tutorials, to show what that does under overload
    bounded     a queue of a fixed length, first come, first served
    deadline    as many as can be completed within the target, at the pace of recent departures
    lifo        a queue of a fixed length, newest first, so that some calls are in time
    adaptive    a limit learned from latency: additive increase, multiplicative decrease

None of them leaves a worker idle: one call more than there are workers is always admitted, so that
one is waiting when a worker becomes free.
"""

from __future__ import annotations

from math import inf
from pkgutil import resolve_name
from typing import ClassVar

from server.tables import POLICIES


class Policy:
    """One way to bound the calls under way: those that run, and those that wait."""

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
        """How many calls may be under way; called when another one arrives.

        Departures are `pace_s` apart; None while that is unknown.
        """
        return self.most

    def learn(self, now: float, took_s: float, under_way: int) -> None:
        """Learn from a call that left at `now`, `took_s` after it entered."""

    def why(self, under_way: int) -> str:
        """Why a call is refused while this many are under way."""
        waiting = under_way - self.workers
        return f"all {self.workers} workers are busy and {waiting} requests wait already"


class Unbounded(Policy):
    def limit(self, under_way: int, pace_s: float | None) -> float:
        return inf


class Bounded(Policy):
    pass


BURST = 1.5  # times the target, for a burst
STANDING = 0.7  # times the target: a queue whose mean is longer than this is a standing one
RECENT = 64  # arrivals


class Deadline(Policy):
    """A queue may be 50 % longer while it is a burst, and not a standing queue.

    A queue is standing if it was nearly full for most of the recent arrivals: it does not go away
    by itself, and only makes every call wait (as in CoDel, and "Fail at Scale", ACM Queue 13/8).
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
        self._mean += (under_way - self._mean) / RECENT
        if self._mean < STANDING * within:
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

    It shrinks at most once per round trip, because answers already on their way do not reflect it
    yet, and grows only while half of it is used, because an idle server proves nothing.
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


def load(name: str) -> type[Policy]:
    """Import the class of a policy."""
    policy: type[Policy] = resolve_name(POLICIES[name])
    return policy
