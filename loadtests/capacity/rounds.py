"""Rounds of trials: each gives every row that is still open one trial, near its own limit.

    demand of its last trial, stretch so far ──▶ the rate at which such a trial loses a little
    one trial of each open row, in random order ──▶ samples ──▶ estimates ──▶ which rows are open

A row is open until it is known whether it is among the best, and how far from the best it is. Then
witnesses close it: trials below and above its capacity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile
from random import Random
from typing import NamedTuple

from loadtests.capacity.estimate import Contender, Estimates
from loadtests.capacity.stretch import (
    LEAST_ROUNDS,
    MOST,
    Round,
    Sample,
    enough_lost,
    losses_at,
    stretch_of,
)
from loadtests.load.schedule import TrialLength
from loadtests.slo import FLOOR

AIM = 2.0  # times the allowed losses: what a trial is to lose
SIDES = (1.05, 0.95)  # of the rate for that, and of the capacity for witnesses, in turns
CLIMB = 1.15  # a further step when two trials in a row lost nothing, or all that counts
STEEPEST = 2.0  # the largest of such steps
FAR = 0.3  # of the way to the best: a row that is behind needs to be known no better
LONGER = 3.0  # times the least length of a trial: no trial of few requests is longer
EXPECTED = 1.2  # requests that a trial is to lose at the objective, whatever its percentile
WITNESS_S = 4.0  # of a trial, the least: shorter ones lose little even above the capacity
AT_MOST = 0.999  # of the highest rate, which counts as that
SURE = 2  # trials decide that the generator is the limit, or that a row sustains nothing
FLAWED = 2  # void trials in a row because of the generator: its limit is lower than it seemed
LESS = 0.75  # of their rate
SPARE = 1.5  # times as many rounds, and as much time, if trials are void
PATIENCE = 0.5  # times as long as in valid trials: with more in void ones, fewer rounds are enough


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

    def trial(self, rate: float, loss_ratio: float) -> TrialLength:
        """Return how long a trial at about this rate is."""
        requests = max(self.requests, EXPECTED / loss_ratio)
        longest_s = LONGER * self.trial_s
        return TrialLength(self.settle_s, min(max(self.trial_s, requests / rate), longest_s))


QUICK = Care(settle_s=0.4, trial_s=1.5, requests=120, least=4, most=12, aim=0.06, budget_s=20.0)
FULL = Care(settle_s=1.0, trial_s=4.0, requests=240, least=8, most=45, aim=0.03, budget_s=150.0)


class Offer(NamedTuple):
    """A trial to run: of a row, at a rate per second."""

    row: str
    rate: float
    trial: TrialLength


@dataclass(frozen=True, slots=True)
class Before:
    """What was played before, perhaps with other rows: `limits` and `idle` are as in `Rounds`."""

    contenders: Sequence[Contender] = ()
    rounds: Sequence[Round] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    idle: Sequence[str] = ()


@dataclass(slots=True)
class _Row:
    contender: Contender
    demand_s: float  # as measured last
    trial: TrialLength
    most_rate: float
    rate: float = 0.0  # as offered last
    lost: list[float] = field(default_factory=list)  # as shares of what counts
    samples: list[Sample] = field(default_factory=list)
    within: int = 0  # trials at the highest rate that kept the objective
    flawed: int = 0  # trials in a row that the generator spoiled
    lowest: int = 0  # trials at the lowest rate that lost all that counts
    before: int = 0  # trials of rounds that were played before

    def take(self, sample: Sample, allowed: float) -> None:
        """Take in a valid trial; `allowed` losses are a share of those that count."""
        self.samples.append(sample)
        self.demand_s = sample.demand_s or self.demand_s
        self.lost.append(sample.lost / sample.most)
        self.flawed = 0
        kept = self.lost[-1] <= allowed + 1e-9  # 0.01 ÷ 0.1 is 0.0999…
        if self.rate >= AT_MOST * self.most_rate:
            self.within = self.within + 1 if kept else 0
        if 0 < self.rate <= FLOOR and self.lost[-1] >= 1:
            self.lowest += 1

    @property
    def informative(self) -> int:
        """Count the trials of these rounds that lost something, but not all that counts."""
        return sum(0 < lost < 1 for lost in self.lost[self.before :])

    @property
    def enclosed(self) -> bool:
        """Whether its trials do not all lie on one side of its capacity."""
        return bool(self.lost) and min(self.lost) < 1 and max(self.lost) > 0

    @property
    def step(self) -> float:
        """By how much to leave the range of the last trials, all without loss, or with too much."""
        for end, factor in ((0, CLIMB), (1, 1 / CLIMB)):
            alike = sum(1 for _ in takewhile(lambda lost: lost == end, reversed(self.lost)))  # noqa: B023 - used at once
            if alike > 1:
                return min(max(factor ** (alike - 1), 1 / STEEPEST), STEEPEST)
        return 1.0


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
        before: Before | None = None,
    ) -> None:
        """Begin, or go on after rounds played `before`. All demands are in seconds."""
        self._rows = {
            row.name: _Row(
                row, demand_s, care.trial(row.queue.servers / demand_s, loss_ratio), most_rate
            )
            for row in contenders
            for demand_s in (demands_s[row.name],)
        }
        self._loss_ratio = loss_ratio
        self._allowed = loss_ratio / enough_lost(loss_ratio)
        self._care = care
        self._rng = Random(f"{seed}")  # noqa: S311 - an order, not a secret
        self._before = before or Before()
        self.played: list[Round] = [*self._before.rounds]
        self._begun = len(self.played)
        self._present: list[Sample] = []
        self._valid_s = self._void_s = 0.0
        for sample in chain.from_iterable(self.played):
            if sample.row in self._rows:
                self._rows[sample.row].take(sample, self._allowed)
        for row in self._rows.values():
            row.before = len(row.lost)
        self.estimates = self._estimated()

    @property
    def limits(self) -> dict[str, float]:
        """The rows that keep the objective at the highest rate that can be offered; that rate."""
        own = {n: row.most_rate for n, row in self._rows.items() if row.within >= SURE}
        return {n: r for n, r in self._before.limits.items() if n not in self._rows} | own

    @property
    def idle(self) -> list[str]:
        """The rows that sustain no load: even the lowest rate is too much."""
        own = [name for name, row in self._rows.items() if row.lowest >= SURE]
        return [*(name for name in self._before.idle if name not in self._rows), *own]

    @property
    def ties(self) -> tuple[str, ...]:
        """The rows that may be the best: at the limit of the generator, or not behind."""
        limits = self.limits
        if not limits:
            return self.estimates.ties
        most, rows = max(limits.values()), self.estimates.rows
        return (*limits, *(name for name in rows if rows[name].capacity.high >= most))

    def open(self) -> list[str]:
        """Name the rows that need another trial."""
        if len(self.played) - self._begun >= SPARE * self._care.most:
            return []
        closed = {*self.limits, *self.idle}
        closed |= {n for n, row in self._rows.items() if row.informative >= self._care.most}
        best = self.estimates.best
        waiting = [n for n in self._rows if n != best and not self._settled(n, best)]
        waiting = [name for name in waiting if name not in closed]
        if best is None or best in closed or best not in self._rows:
            return waiting
        known = self.estimates.rows[best]
        lacking = known.rounds < self._least or (
            len(self._rows) == 1 and known.capacity.error > self._care.aim and not self._noisy
        )
        return [n for n in self._rows if n in waiting or (n == best and (waiting or lacking))]

    @property
    def _noisy(self) -> bool:
        """Whether so many trials were void that wider intervals are better than more of them."""
        return self._void_s > PATIENCE * self._valid_s

    @property
    def _least(self) -> int:
        """The rounds that each row needs."""
        return max(self._care.least // 2, LEAST_ROUNDS) if self._noisy else self._care.least

    def _settled(self, row: str, best: str | None) -> bool:
        known = self.estimates.rows.get(row)
        if known is None or best is None or known.rounds < self._least:
            return False
        if self._noisy:
            return True
        ratio = self.estimates.ratio(row, best)
        gap = abs(math.log(ratio.value)) if self.estimates.behind(row) else 0.0
        if limits := self.limits:
            gap = max(gap, math.log(max(limits.values()) / known.capacity.high))
        return ratio.error <= max(self._care.aim, FAR * gap)

    def offers(self) -> Iterator[Offer]:
        """Yield the trials of the next round: one for each open row, in random order.

        Each rate is computed when it is asked for, from the trials so far.
        """
        names = self.open()
        self._rng.shuffle(names)
        for name in names:
            row = self._rows[name]
            row.rate = self._rate(row)
            row.trial = self._care.trial(row.rate, self._loss_ratio)
            yield Offer(name, row.rate, row.trial)

    def witnesses(self, names: Sequence[str]) -> Iterator[Offer]:
        """Yield trials a little below and above the capacity of rows, at their present speed."""
        for side in reversed(SIDES):
            for name in names:
                row, known = self._rows[name], self.estimates.rows[name]
                row.rate = side * known.capacity.value * known.demand_s / row.demand_s
                row.rate = min(row.rate, row.most_rate)
                longer = TrialLength(self._care.settle_s, max(WITNESS_S, row.trial.duration_s))
                yield Offer(name, row.rate, longer)

    def expected(self, sample: Sample) -> float:
        """Return how many requests a trial should have lost, by the estimate of its row."""
        return losses_at(sample, math.log(self.estimates.rows[sample.row].stretch))

    def _rate(self, row: _Row) -> float:
        queue, side = row.contender.queue, SIDES[len(row.lost) % len(SIDES)]
        service_s = row.demand_s * math.exp(self._stretch(row))
        if queue.hopeless(service_s, self._loss_ratio):
            return min(FLOOR, row.most_rate)
        share = min(AIM * self._loss_ratio, MOST)
        rate = queue.trial_rate(service_s, row.trial, share) * row.step
        return min(max(rate * side, FLOOR), row.most_rate)

    def _stretch(self, row: _Row) -> float:
        """Guess a row's stretch: few trials of its own count half as much as those of its group."""
        name = row.contender.name
        own = stretch_of(row.samples) if row.samples else 0.0
        group = next((group for group in self.estimates.groups if name in group.rows), None)
        if group is None or len(group.rows) == 1:
            return own
        common = group.stretches([*self.played, tuple(self._present)])[name]
        return common if name in group.own or not row.samples else (own + common) / 2

    def take(self, sample: Sample) -> None:
        """Take in a valid trial of the present round."""
        self._present.append(sample)
        self._valid_s += sum(self._rows[sample.row].trial)
        self._rows[sample.row].take(sample, self._allowed)

    def miss(self, name: str, *, flawed: bool) -> None:
        """Note a void trial; `flawed` by the generator, whose limit then turns out to be lower."""
        row = self._rows[name]
        self._void_s += sum(row.trial)
        row.flawed = row.flawed + 1 if flawed else 0
        if row.flawed >= FLAWED:
            row.most_rate, row.within, row.flawed = LESS * row.rate, 0, 0

    def end(self) -> None:
        """End the present round."""
        self.played.append(tuple(self._present))
        self._present.clear()
        self.estimates = self._estimated()

    def _estimated(self) -> Estimates:
        apart = {*self.limits, *self.idle}
        rows = {row.name: row for row in self._before.contenders if row.name not in self._rows}
        rows |= {name: row.contender for name, row in self._rows.items() if row.enclosed}
        contenders = [row for name, row in rows.items() if name not in apart]
        return Estimates(contenders, self.played, self._loss_ratio)
