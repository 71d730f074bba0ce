"""Rows of known capacity on a machine whose speed changes, in virtual time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapreplace
from random import Random
from statistics import median
from typing import Literal

from loadtests.capacity.demands import Cost
from loadtests.capacity.estimate import Contender, Estimates
from loadtests.capacity.queueing import Queue
from loadtests.capacity.rounds import Care, Offer, Rounds
from loadtests.capacity.stretch import Sample, curve, most_lost
from loadtests.slo import Slo

Behaviour = Literal["steady", "two speeds", "wanders"]

SLOW = 1.5  # times as long, in the slower of two states
DWELLS_S = (2.0, 40.0)  # how long a state lasts, evenly in the logarithm
WANDER = 0.1  # the standard deviation of the logarithm of the speed
FORGETS_S = 20.0  # after which it is another one
STEP_S = 0.5
LENGTH_S = 3_000.0
PRECISION = 0.015  # of a measured demand
COMPUTES = 0.05  # as a share of the demand of a row that waits
BETWEEN_S = 0.3  # two trials
GUESSED = 0.15  # the standard deviation of the first guess of a demand


class Machine:
    """How many times as long as at its best everything takes, at each second of a run."""

    def __init__(self, kind: Behaviour, seed: object) -> None:
        self._rng = Random(f"{kind}/{seed}")  # noqa: S311 - a simulation, not a secret
        self._begins, self._factors = {
            "steady": lambda: ([0.0], [1.0]),
            "two speeds": self._two_speeds,
            "wanders": self._wandering,
        }[kind]()

    def __call__(self, at_s: float) -> float:
        return self._factors[bisect_right(self._begins, at_s) - 1]

    def _two_speeds(self) -> tuple[list[float], list[float]]:
        begins, factors, slow = [0.0], [], self._rng.random() < 0.5
        shortest, longest = map(math.log, DWELLS_S)
        while begins[-1] < LENGTH_S:
            factors.append(SLOW if slow else 1.0)
            begins.append(begins[-1] + math.exp(self._rng.uniform(shortest, longest)))
            slow = not slow
        return begins[:-1], factors

    def _wandering(self) -> tuple[list[float], list[float]]:
        kept, value = math.exp(-STEP_S / FORGETS_S), self._rng.gauss(0, WANDER)
        factors = []
        for _ in range(round(LENGTH_S / STEP_S)):
            factors.append(math.exp(value))
            value = kept * value + WANDER * math.sqrt(1 - kept**2) * self._rng.gauss(0, 1)
        return [STEP_S * place for place in range(len(factors))], factors


def shape(variation: float, size: int = 1000) -> tuple[float, ...]:
    """Sample log-normal service times with this coefficient of variation."""
    if not variation:
        return (1.0,)
    rng = Random(7)  # noqa: S311 - a simulation, not a secret
    spread = math.sqrt(math.log1p(variation**2))
    return tuple(math.exp(rng.gauss(-(spread**2) / 2, spread)) for _ in range(size))


@dataclass(frozen=True, slots=True)
class VirtualRow:
    """A queue whose requests keep a server busy `stretch` times as long as their demand says."""

    name: str
    servers: int
    demand_s: float  # at the best speed of the machine
    variation: float = 0.0
    stretch: float = 1.0
    group: str = "cores"
    deadline: bool = False  # whether it refuses what would be too late
    waits: bool = False  # almost all the time, so that the machine's speed hardly matters

    @property
    def cost(self) -> Cost | None:
        cpu_s = COMPUTES * self.demand_s
        return Cost(self.demand_s - cpu_s, cpu_s, cpu_s) if self.waits else None

    def takes_s(self, slower: float) -> float:
        """Return the demand on a machine that is so many times as slow as at its best."""
        return (
            self.cost.at(slower * COMPUTES * self.demand_s) if self.cost else slower * self.demand_s
        )


@dataclass
class RoundsLab:
    """Measures rows in rounds on one machine, and counts the seconds that this takes.

    In a share of `disturbed` trials everything takes 1.5 times as long; they are void if `noticed`.
    """

    rows: Sequence[VirtualRow]
    slo: Slo
    machine: Machine
    seed: object
    disturbed: float = 0.0
    noticed: bool = False
    clock_s: float = 0.0
    offered: list[Offer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = Random(f"lab/{self.seed}")  # noqa: S311 - a simulation, not a secret
        self.clock_s = self._begun = self._rng.uniform(0, 100)
        self.contenders = {
            row.name: Contender(
                row.name,
                Queue(row.servers, self.slo.bound_s, shape(row.variation), row.deadline),
                row.group,
                row.cost,
            )
            for row in self.rows
        }

    @property
    def took_s(self) -> float:
        return self.clock_s - self._begun

    def measure(self, care: Care, most_rate: float = math.inf) -> Rounds:
        """Play rounds until no row is open, or the time is spent."""
        guesses = {
            row.name: row.takes_s(self.machine(self.clock_s))
            * math.exp(self._rng.gauss(0, GUESSED))
            for row in self.rows
        }
        rounds = Rounds(
            list(self.contenders.values()),
            guesses,
            self.slo.loss_ratio,
            care,
            most_rate=most_rate,
            seed=self.seed,
        )
        rows = {row.name: row for row in self.rows}
        while rounds.open() and self.took_s < care.budget_s * len(self.rows):
            for offer in rounds.offers():
                self.offered.append(offer)
                if sample := self._trial(rows[offer.row], offer):
                    rounds.take(sample)
                else:
                    rounds.miss(offer.row, flawed=False)
            rounds.end()
        return rounds

    def _trial(self, row: VirtualRow, offer: Offer) -> Sample | None:
        """Run a trial; returns None if it is void."""
        rng, queue = self._rng, self.contenders[row.name].queue
        settle_s, duration_s = offer.trial
        arrivals = offer.trial.draw(offer.rate, rng)
        most = most_lost(sum(at >= 0 for at in arrivals), self.slo.loss_ratio)
        times = queue.times(len(arrivals), rng)
        disturbed = rng.random() < self.disturbed
        free = [-math.inf] * row.servers
        lost, spent_s, served, end_s = 0.0, 0.0, 0, duration_s
        for arrival, time in zip(arrivals, times, strict=True):
            start = max(free[0], arrival)
            slower = self.machine(self.clock_s + settle_s + start) * (SLOW if disturbed else 1.0)
            usual_s = row.takes_s(slower)
            refused = row.deadline and start + usual_s * row.stretch - arrival > queue.bound_s
            end = start + usual_s * row.stretch * time / queue.mean
            if not refused:
                heapreplace(free, end)
                spent_s, served = spent_s + usual_s * time / queue.mean, served + 1
            if arrival >= 0 and (refused or end - arrival > queue.bound_s):
                lost += 1
                if lost >= most:
                    lost, end_s = most, arrival + (0.0 if refused else queue.bound_s)
                    break
        self.clock_s += settle_s + min(end_s, duration_s) + BETWEEN_S
        if disturbed and self.noticed:
            return None
        demand_s, cpu_s = spent_s / served, None
        error = math.exp(rng.gauss(0, PRECISION))
        if row.cost:
            cpu_s = (demand_s - row.cost.fixed_s) * error
            demand_s = row.cost.at(cpu_s)
        else:
            demand_s *= error
        losses = curve(queue, arrivals, demand_s, most, f"{self.seed}/{self.clock_s}")
        return Sample(row.name, demand_s, lost, most, losses, cpu_s)

    def true_ratio(self, row: str, other: str, estimates: Estimates) -> float:
        """Return how many times as much a row sustains as another, at the speed of the estimates.

        This speed is what their demands say on average, so that none of their errors is in it.
        """
        rows = {known.name: known for known in self.rows}
        slower = median(
            known.demand_s / rows[name].demand_s
            for name, known in estimates.rows.items()
            if not rows[name].waits
        )
        demands = {name: known.takes_s(slower) for name, known in rows.items()}
        return self.truth(row, demands[row]) / self.truth(other, demands[other])

    def truth(self, row: str, demand_s: float) -> float:
        """Return the capacity of a row whose requests cost this much."""
        known = next(known for known in self.rows if known.name == row)
        queue = self.contenders[row].queue
        return queue.between(demand_s * known.stretch, self.slo.loss_ratio)[0]
