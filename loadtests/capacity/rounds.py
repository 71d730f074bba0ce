"""Rounds of trials: each gives every row that is still open one trial, near its own limit.

    demand of its last trial, stretch so far ──▶ the rate at which such a trial loses a little
    one trial of each open row, in random order ──▶ samples ──▶ estimates ──▶ which rows are open

A row is open until it is known whether it is among the best, and how far from the best it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from loadtests.capacity.estimate import Contender, Estimates
from loadtests.capacity.queueing import TrialLength
from loadtests.capacity.stretch import MOST, Round, Sample

AIM = 2.0  # times the allowed losses: what a trial is to lose
SIDES = (1.05, 0.95)  # of the rate for that, in turns
CLIMB = 1.15  # a further step when two trials in a row lost nothing, or all that counts
FAR = 0.3  # of the way to the best: a row that is behind needs to be known no better


@dataclass(frozen=True, slots=True)
class Care:
    """How carefully to measure: seconds of a trial, and how many rounds there are."""

    settle_s: float
    trial_s: float  # the least
    requests: int  # of a trial, the least
    least: int  # rounds
    most: int
    aim: float  # half the width of the interval of a ratio
    budget_s: float  # for each row

    def trial(self, rate: float) -> TrialLength:
        """Return how long a trial at about this rate is."""
        return TrialLength(self.settle_s, max(self.trial_s, self.requests / rate))


QUICK = Care(settle_s=0.5, trial_s=2.0, requests=120, least=4, most=8, aim=0.08, budget_s=20.0)
FULL = Care(settle_s=1.0, trial_s=4.0, requests=240, least=8, most=45, aim=0.03, budget_s=150.0)


class Offer(NamedTuple):
    """A trial to run: of a row, at a rate per second."""

    row: str
    rate: float
    trial: TrialLength


@dataclass(slots=True)
class _Row:
    contender: Contender
    demand_s: float  # as measured last
    trial: TrialLength
    lost: list[float] = field(default_factory=list)  # as shares of what counts


class Rounds:
    """Chooses the rates of one round after the other, from what the rounds before have shown."""

    def __init__(  # noqa: PLR0913 - who takes part, the objective, and how much is offered
        self,
        contenders: Sequence[Contender],
        demands_s: Mapping[str, float],
        loss_ratio: float,
        care: Care,
        *,
        most_rate: float = math.inf,
        seed: object = 0,
    ) -> None:
        self._rows = {
            row.name: _Row(row, demand_s, care.trial(row.queue.servers / demand_s))
            for row in contenders
            for demand_s in (demands_s[row.name],)
        }
        self._loss_ratio = loss_ratio
        self._care = care
        self._most_rate = most_rate
        self._rng = Random(f"{seed}")  # noqa: S311 - an order, not a secret
        self.played: list[Round] = []
        self._present: list[Sample] = []
        self._contenders = contenders
        self.estimates = Estimates(contenders, (), loss_ratio)

    def open(self) -> list[str]:
        """Name the rows that need another trial."""
        if len(self.played) >= self._care.most:
            return []
        best = self.estimates.best
        waiting = [row for row in self._rows if row != best and not self._settled(row, best)]
        lacking = best is None or self.estimates.rows[best].rounds < self._care.least
        return [
            row for row in self._rows if row in waiting or (row == best and (waiting or lacking))
        ]

    def _settled(self, row: str, best: str | None) -> bool:
        known = self.estimates.rows.get(row)
        if known is None or best is None or known.rounds < self._care.least:
            return False
        ratio = self.estimates.ratio(row, best)
        gap = abs(math.log(ratio.value)) if self.estimates.behind(row) else 0.0
        return ratio.error <= max(self._care.aim, FAR * gap)

    def offers(self) -> Iterator[Offer]:
        """Yield the trials of the next round: one for each open row, in random order.

        Each rate is computed when it is asked for, from the trials so far.
        """
        names = self.open()
        self._rng.shuffle(names)
        for name in names:
            row = self._rows[name]
            yield Offer(name, self._rate(row), row.trial)

    def _rate(self, row: _Row) -> float:
        service_s = row.demand_s * math.exp(self._stretch(row.contender))
        queue, share = row.contender.queue, min(AIM * self._loss_ratio, MOST)
        rate = queue.trial_rate(service_s, row.trial, share)
        last = row.lost[-2:]
        if len(last) == 2 and max(last) == 0:
            rate *= CLIMB
        elif len(last) == 2 and min(last) >= 1:
            rate /= CLIMB
        return min(rate * SIDES[len(row.lost) % 2], self._most_rate)

    def _stretch(self, contender: Contender) -> float:
        rounds = [*self.played, tuple(self._present)]
        group = next(g for g in self.estimates.groups if contender.name in g.rows)
        return group.stretches(rounds)[contender.name]

    def take(self, sample: Sample) -> None:
        """Take in a valid trial of the present round."""
        self._present.append(sample)
        row = self._rows[sample.row]
        row.demand_s = sample.demand_s or row.demand_s
        row.lost.append(sample.lost / sample.most)

    def end(self) -> None:
        """End the present round."""
        self.played.append(tuple(self._present))
        self._present.clear()
        self.estimates = Estimates(self._contenders, self.played, self._loss_ratio)
