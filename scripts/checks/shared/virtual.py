"""Simulated services of known capacity, which the search is tested against."""

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.goals import Goal
from loadtests.capacity.search import search
from loadtests.load.answer import Answer
from loadtests.load.arrivals import poisson
from loadtests.slo import Slo, loosest
from loadtests.trial.backlog import backlog
from loadtests.trial.tally import tally
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTLE_S = 1.0
DRAIN_S = 0.3


@dataclass(frozen=True, slots=True)
class Service:
    """`servers` workers that serve first come, first served; at most `queue` requests wait."""

    name: str
    servers: int
    service_s: float
    random: bool = False
    queue: float = math.inf

    @property
    def ceiling(self) -> float:
        return self.servers / self.service_s

    def respond(self, times: list[float], rng: Random, slowdown: float = 1.0) -> list[float | None]:
        """Return when each of the sorted arrivals is answered; None where it is refused."""
        if not self.random and self.queue == math.inf:
            return list(self._in_turn(times, self.service_s * slowdown))
        free = [0.0] * self.servers
        starts: list[float] = []  # of waiting requests, all in the future
        ended: list[float | None] = []
        heapq.heapify(free)
        mean = self.service_s * slowdown
        for time in times:
            if self.queue < math.inf:
                while starts and starts[0] <= time:
                    heapq.heappop(starts)
                if len(starts) >= self.queue and free[0] > time:
                    ended.append(None)
                    continue
            start = max(time, free[0])
            end = start + (rng.expovariate(1 / mean) if self.random else mean)
            heapq.heapreplace(free, end)
            if self.queue < math.inf and start > time:
                heapq.heappush(starts, start)
            ended.append(end)
        return ended

    def _in_turn(self, times: list[float], service_s: float) -> "Iterator[float]":
        """Serve equal requests without a heap: the servers take them in turn."""
        free = deque([0.0] * self.servers)
        for time in times:
            end = max(time, free.popleft()) + service_s
            free.append(end)
            yield end

    def lost(self, rate: float, slo: Slo, arrivals: int = 300_000) -> float:
        """Return the loss ratio of a long, unconditioned Poisson run, within a fifth of itself."""
        rng = Random(11)  # noqa: S311 - a simulation, repeatable
        times = list(accumulate(rng.expovariate(rate) for _ in range(arrivals)))
        ends = self.respond(times, rng)
        late = (
            end is None or end - time > slo.bound_s for time, end in zip(times, ends, strict=True)
        )
        return sum(late) / arrivals


# The rates at which p95, p99 and p99.9 are 250 ms, exactly: M/M/c by Erlang C; M/D/c by the
# stationary distribution of the number in the system one service time later (Crommelin 1932).
SLO = Slo.parse("p99<250ms")
TRUTHS = {
    Service("M/D/1", 1, 0.010): (93.97, 90.84, 86.48),
    Service("M/D/2", 2, 0.010): (193.89, 190.66, 186.11),
    Service("M/D/32", 32, 0.020): (1593.55, 1590.09, 1585.15),
    Service("M/M/2", 2, 0.010, random=True): (187.88, 181.35, 171.97),
    Service("inline", 1, 0.020): (43.94, 40.90, 36.82),
    Service("M/M/1", 1, 0.010, random=True): (88.02, 81.58, 72.37),
    Service("M/D/8", 8, 0.020): (393.62, 390.21, 385.38),
    Service("1500/s", 3, 0.002): (1493.98, 1490.75, 1486.14),
}


def verdict(lost: float) -> Verdict:
    """Judge a trial by its losses alone."""
    return Verdict(True, SLO.holds(lost), (), None, lost, lost)


def truth(service: Service) -> float:
    """Return the sustainable capacity for `SLO`."""
    return TRUTHS[service][1]


@dataclass
class Lab:
    """Runs trials of one service in virtual time, and counts the time that they take.

    In a share of `disturbed` trials everything takes 1.5 times as long. The sentinel of the machine
    notices a share of `sentinel` of these, which are repeated.
    """

    service: Service
    slo: Slo
    rng: Random
    disturbed: float = 0.0
    sentinel: float = 0.0
    also: tuple[Slo, ...] = ()
    clock_s: float = 0.0
    log: list[tuple[float, float, bool]] = field(default_factory=list)

    def now(self) -> float:
        return self.clock_s

    def measure(self, rate: float, duration_s: float) -> Verdict:
        while True:
            slowdown = 1.5 if self.rng.random() < self.disturbed else 1.0
            trial = self.trial(rate, duration_s, slowdown)
            self.clock_s += SETTLE_S + trial.duration_s + DRAIN_S
            if slowdown == 1 or self.rng.random() >= self.sentinel:
                break
        verdict = judge(trial, self.slo)
        self.log.append((rate, trial.duration_s, verdict.held))
        return verdict

    def trial(self, rate: float, duration_s: float, slowdown: float = 1.0) -> Trial:
        """Run one trial, and end it as soon as it cannot hold."""
        settle = [time - SETTLE_S for time in poisson(rate, SETTLE_S, self.rng)]
        times = settle + poisson(rate, duration_s, self.rng)
        ends = self.service.respond([time + SETTLE_S for time in times], self.rng, slowdown)
        answers = [
            Answer(time, time, time, "refused")
            if end is None
            else Answer(time, time, end - SETTLE_S, "ok")
            for time, end in zip(times, ends, strict=True)
        ]
        stop = self._hopeless_at(answers[len(settle) :])
        short = stop is not None and stop < duration_s
        if short and stop is not None:
            duration_s = stop
            answers = [
                a
                if a.ended_s is not None and a.ended_s <= stop
                else a._replace(ended_s=None, outcome="unfinished")
                for a in answers
                if a.intended_s <= stop
            ]
        calm = tally([], self.slo, duration_s)
        return Trial(
            workload=self.service.name,
            model="virtual",
            rate=rate,
            duration_s=duration_s,
            work=tally(answers, self.slo, duration_s, short=short),
            bystander=calm,
            backlog=backlog(answers, self.slo, duration_s),
            drained=all(
                a.ended_s is not None and a.ended_s <= duration_s + max(self.slo.bound_s, 1.0)
                for a in answers
            ),
            generator_cpu=0.1,
            short=short,
        )

    def _hopeless_at(self, answers: list[Answer]) -> float | None:
        bound = self.slo.bound_s
        lenient = loosest(self.slo, *self.also)
        losses = sorted(
            a.intended_s if a.outcome == "refused" else a.intended_s + bound
            for a in answers
            if a.outcome == "refused"
            or (a.ended_s is not None and a.ended_s - a.intended_s > bound)
        )
        for lost, time in enumerate(losses, 1):
            if not lenient.allows(lost, len(answers)):
                return time + 0.05  # counts are checked now and then
        return None

    def search(self, goal: Goal, predicted: float, ceiling_rate: float = 1e6) -> Capacity:
        facts = (self.measure, predicted, goal, ceiling_rate)
        return search(*facts, slo=self.slo, also=self.also, clock=self.now)
