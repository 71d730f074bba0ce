"""What rounds of trials say together: capacities, their ratios, and which rows are the best.

A capacity is stated at a demand: what a request of its row costs at the usual speed of the machine
in this run. Ratios are those at equal speed. Both come with 95 % intervals, by leaving out one
round after the other (the jackknife), with Student's t for the number of rounds. The scatter of
ratios is joined with that which so many requests and losses are expected to have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, compress, pairwise
from statistics import fmean, median
from typing import NamedTuple

from loadtests.capacity.demands import Cost
from loadtests.capacity.pairs import fit, speeds
from loadtests.capacity.queueing import Queue
from loadtests.capacity.stretch import (
    LEAST_ROUNDS,
    Group,
    Round,
    enough_lost,
    error_of,
    grouped,
    jackknife_variance,
    leaving_out,
)
from loadtests.capacity.student import moderated, quantile

CONFIDENCE = 0.95
FIXED = 0.1  # of a demand that computes: its changes are smaller than what is measured
USUAL = 0.03  # the standard deviation of a ratio in a round beyond that of requests and losses
EXPECTED_FREEDOM = 4  # the weight of what is expected of a round against what rounds show
MODEL = 0.007  # the standard error of the simulations themselves
# The standard error of a capacity, as a share of how much the speed changes from trial to trial:
# where it changes during a trial, more requests are late than at its mean.
JUMPS = 0.15


class Contender(NamedTuple):
    """A row: the queue for its binding resource, and the group whose stretch it shares.

    `cost` says what a request takes of that resource, unless that is its CPU time.
    """

    name: str
    queue: Queue
    group: str
    cost: Cost | None = None

    def demand_s(self, cpu_s: float) -> float:
        """Return what a request takes of the resource when it takes this CPU time."""
        return self.cost.at(cpu_s) if self.cost else cpu_s

    @property
    def computes(self) -> float:
        """The share of its demand that follows the speed of the machine."""
        return self.cost.cpu_share if self.cost else 1.0

    @property
    def fixed(self) -> bool:
        """Whether the speed of the machine does not matter."""
        return self.computes < FIXED


class Range(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Half the width of the interval, as a share."""
        return math.sqrt(self.high / self.low) - 1 if self.low > 0 else math.inf

    @property
    def inverse(self) -> Range:
        """What it is the other way round; for figures above 0."""
        return Range(1 / self.value, 1 / self.high, 1 / self.low if self.low > 0 else math.inf)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The capacity of a row in requests per second, at a demand in seconds of its resource."""

    capacity: Range
    demand_s: float
    utilisation: float  # critical: the share of the resource that is busy at the capacity
    stretch: float  # how many times as long as its demand a request keeps the resource busy
    rounds: int


class _Logarithm(NamedTuple):
    """The logarithm of a capacity, and what is expected of its errors."""

    value: float
    unknown: float  # the standard error that rounds alike do not show
    by_requests: float  # the variance of one round, from that of service times
    by_losses: float  # the variance of all rounds together, from that of losses


class Estimates:
    """The estimates of all rows with enough rounds."""

    def __init__(
        self,
        contenders: Sequence[Contender],
        rounds: Sequence[Round],
        loss_ratio: float,
    ) -> None:
        self.groups = [
            grouped([c.name for c in contenders if c.group == group], rounds)
            for group in dict.fromkeys(c.group for c in contenders)
        ]
        self._rounds = rounds
        self._contenders = {contender.name: contender for contender in contenders}
        there = {
            c.name: [any(s.row == c.name for s in turn) for turn in rounds] for c in contenders
        }
        known = [c for c in contenders if sum(there[c.name]) >= LEAST_ROUNDS]
        moving = [contender.name for contender in known if not contender.fixed]
        whole = fit(rounds, moving)
        demands, stretches = whole.demands, _stretches(self.groups, rounds)
        logarithms = speeds(rounds, demands)
        usual = median(logarithms) if logarithms else 0.0
        self.speeds = [math.exp(speed - usual) for speed in logarithms]
        jumps = JUMPS * _changing(logarithms)
        self.rows: dict[str, Estimate] = {}
        errors = {
            row: (group.unknown(row, rounds), error)
            for group in self.groups
            for error in (error_of(group.samples(rounds)),)
            for row in group.rows
        }
        without = [
            (fit(rest, moving, near=whole).demands, _stretches(self.groups, rest))
            for rest in leaving_out(rounds)
        ]
        self._values: dict[str, _Logarithm] = {}
        self._without: list[dict[str, float]] = [{} for _ in rounds]
        for contender in known:
            name, queue = contender.name, contender.queue
            own = [s for turn in rounds for s in turn if s.row == name]
            own_s = [sample.demand_s for sample in own if sample.demand_s]
            if not own_s:
                continue
            if name in demands:
                demand_s = contender.demand_s(math.exp(usual + demands[name]))
            else:
                demand_s = median(own_s)
            capacity, follows = queue.between(demand_s * math.exp(stretches[name]), loss_ratio)
            if capacity <= 0:
                continue
            requests = fmean(sample.most for sample in own) / enough_lost(loss_ratio)
            unknown, error = errors[name]
            value = self._values[name] = _Logarithm(
                math.log(capacity),
                follows * unknown,
                (follows * contender.computes * queue.variation) ** 2 / requests,
                (follows * error) ** 2,
            )
            shifts = [other[name] - stretches[name] for _, other in without]
            for values, (others, _), shift in zip(self._without, without, shifts, strict=True):
                moved = shift
                if name in others:
                    dearer = contender.demand_s(math.exp(usual + others[name])) / demand_s
                    moved += math.log(dearer)
                if name in others or contender.fixed:
                    values[name] = value.value - follows * moved
            shown = [follows * shift for shift in compress(shifts, there[name])]
            moving_error = follows * contender.computes * jumps
            whole_error = math.hypot(
                math.sqrt(jackknife_variance(shown)), value.unknown, moving_error, MODEL
            )
            self.rows[name] = Estimate(
                range_of(value.value, whole_error, len(shown) - 1),
                demand_s,
                capacity * demand_s / queue.servers,
                math.exp(stretches[name]),
                len(shown),
            )
        self._pooled = self._pool()

    def at(self, row: str, loss_ratio: float) -> Range:
        """Return the capacity of a row for another percentile; 0 where the work takes too long."""
        known, queue = self.rows[row], self._contenders[row].queue
        rate, _ = queue.between(known.demand_s * known.stretch, loss_ratio)
        factor = rate / known.capacity.value
        return Range(*(factor * end for end in known.capacity))

    def ratio(self, row: str, other: str) -> Range:
        """Return how many times as much as the other a row sustains."""
        return range_of(self._more(row, other), *self._error(row, other))

    def _more(self, row: str, other: str) -> float:
        return self._values[row].value - self._values[other].value

    @property
    def best(self) -> str | None:
        """The row with the highest capacity, whether others tie with it or not."""
        return max(self._values, key=lambda row: self._values[row].value, default=None)

    @property
    def ties(self) -> tuple[str, ...]:
        """The rows that may be the best, by Hsu's comparison (1984) with Bonferroni's bound."""
        return tuple(row for row in self._values if not self.behind(row))

    def behind(self, row: str) -> bool:
        """Whether some other row sustains more, with 95 % confidence for all rows together."""
        others = [other for other in self._values if other != row]
        share = 1 - (1 - CONFIDENCE) / max(len(others), 1)
        for other in others:
            error, freedom = self._error(row, other)
            if freedom and self._more(other, row) > quantile(share, freedom) * error:
                return True
        return False

    def _error(self, row: str, other: str) -> tuple[float, int]:
        """Return the standard error of the logarithm of a ratio, and its degrees of freedom."""
        rounds = len(self._shifts(row, other))
        if rounds < LEAST_ROUNDS:
            return self._through(row, other)
        variance, freedom = self._pooled[self._kind(row, other)]
        unknown = (self._values[name].unknown for name in (row, other))
        return math.hypot(math.sqrt(variance / rounds), *unknown), freedom

    def _through(self, row: str, other: str) -> tuple[float, int]:
        """Return the error for rows that never met, through the best row that both have met."""
        errors = [
            (math.hypot(left[0], right[0]), min(left[1], right[1]))
            for middle in self._values.keys() - {row, other}
            if min(len(self._shifts(row, middle)), len(self._shifts(middle, other))) >= LEAST_ROUNDS
            for left, right in [(self._error(row, middle), self._error(middle, other))]
        ]
        return min(errors, default=(math.inf, 0))

    def _kind(self, row: str, other: str) -> frozenset[str]:
        return frozenset(self._contenders[name].group for name in (row, other))

    def _pool(self) -> dict[frozenset[str], tuple[float, int]]:
        """Return the variance of one round for each kind of pair, and its degrees of freedom.

        Pairs of rows with the same binding resources scatter alike; each alone has few rounds, and
        rounds end when their scatter is small, which it may be by chance: so what is expected of
        them counts, too. With one resource their stretches cancel, and as many pairs are
        independent as rows but one. Pairs across resources share what two stretches are wrong by.
        """
        kinds: dict[frozenset[str], list[tuple[int, float, float]]] = {}
        rows: dict[frozenset[str], set[str]] = {}
        for row, other in combinations(self._values, 2):
            shifts = self._shifts(row, other)
            if (count := len(shifts)) >= LEAST_ROUNDS:
                kind = self._kind(row, other)
                expected = USUAL**2
                for value in (self._values[row], self._values[other]):
                    expected += value.by_requests + (len(kind) > 1) * count * value.by_losses
                kinds.setdefault(kind, []).append(
                    (count, count * jackknife_variance(shifts), expected)
                )
                rows.setdefault(kind, set()).update((row, other))
        pooled = {}
        for kind, pairs in kinds.items():
            met, variance, expected = map(fmean, zip(*pairs, strict=True))
            independent = len(rows[kind]) - 1 if len(kind) == 1 else 1
            freedom = round((met - 1) * independent)
            pooled[kind] = moderated(variance, freedom, math.sqrt(expected), EXPECTED_FREEDOM)
        return pooled

    def _shifts(self, row: str, other: str) -> list[float]:
        """Return the logarithms of a ratio without each of the rounds that both rows were in."""
        return [
            values[row] - values[other]
            for values, played in zip(self._without, self._rounds, strict=True)
            if {row, other} <= {sample.row for sample in played} and {row, other} <= values.keys()
        ]


def _changing(values: Sequence[float]) -> float:
    """Return how much a series changes from each value to the next, as a standard deviation.

    Slow drift does not count (von Neumann, 1941).
    """
    squares = [(after - before) ** 2 for before, after in pairwise(values)]
    return math.sqrt(fmean(squares) / 2) if squares else 0.0


def _stretches(groups: Sequence[Group], rounds: Sequence[Round]) -> dict[str, float]:
    return {row: value for group in groups for row, value in group.stretches(rounds).items()}


def range_of(value: float, error: float, freedom: int) -> Range:
    """Return a figure with its interval, from its logarithm and the standard error of that."""
    if not freedom or math.isinf(error):
        return Range(math.exp(value), 0.0, math.inf)
    half = quantile((1 + CONFIDENCE) / 2, freedom) * error
    return Range(math.exp(value), math.exp(value - half), math.exp(value + half))
