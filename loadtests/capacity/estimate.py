"""What rounds of trials say together: capacities, their ratios, and which rows are the best.

A capacity is stated at a demand: what a request of its row costs at the usual speed of the machine
in this run. Ratios are those at equal speed. Both come with 95 % intervals, by leaving out one
round after the other (the jackknife), with Student's t for the number of rounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, compress
from statistics import fmean
from typing import NamedTuple

from loadtests.capacity.pairs import fit, reference
from loadtests.capacity.queueing import Queue
from loadtests.capacity.stretch import (
    LEAST_ROUNDS,
    Group,
    Round,
    grouped,
    jackknife_variance,
    leaving_out,
)
from loadtests.capacity.student import quantile

CONFIDENCE = 0.95
MODEL = 0.007  # the standard error of the simulations themselves


class Contender(NamedTuple):
    """A row: the queue for its binding resource, and the group whose stretch it shares."""

    name: str
    queue: Queue
    group: str


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
        there = {
            c.name: [any(s.row == c.name for s in turn) for turn in rounds] for c in contenders
        }
        known = [c for c in contenders if sum(there[c.name]) >= LEAST_ROUNDS]
        names = [contender.name for contender in known]
        whole = fit(rounds, names)
        demands, stretches = whole.demands, _stretches(self.groups, rounds)
        usual = reference(rounds, demands) if demands else 0.0
        self.rows: dict[str, Estimate] = {}
        unknown = {row: group.unknown(row) for group in self.groups for row in group.rows}
        self._unknown: dict[str, float] = {}
        self._group = {contender.name: contender.group for contender in contenders}
        without = [
            (fit(rest, names, near=whole).demands, _stretches(self.groups, rest))
            for rest in leaving_out(rounds)
        ]
        self._values: dict[str, float] = {}  # logarithms of the capacities
        self._without: list[dict[str, float]] = [{} for _ in rounds]
        for contender in known:
            name, queue = contender.name, contender.queue
            if name not in demands:
                continue
            demand_s = math.exp(usual + demands[name])
            service_s = demand_s * math.exp(stretches[name])
            capacity, follows = queue.between(service_s, loss_ratio)
            if capacity <= 0:
                continue
            shifts = [other[name] - stretches[name] for _, other in without]
            self._values[name] = math.log(capacity)
            for values, (others, other) in zip(self._without, without, strict=True):
                if name in others:
                    moved = others[name] - demands[name] + other[name] - stretches[name]
                    values[name] = math.log(capacity) - follows * moved
            own = [follows * shift for shift in compress(shifts, there[name])]
            self._unknown[name] = follows * unknown[name]
            error = math.hypot(math.sqrt(jackknife_variance(own)), self._unknown[name], MODEL)
            self.rows[name] = Estimate(
                _range(math.log(capacity), error, len(own) - 1),
                demand_s,
                capacity * demand_s / queue.servers,
                math.exp(stretches[name]),
                len(own),
            )
        self._pooled = self._pool()

    def ratio(self, row: str, other: str) -> Range:
        """Return how many times as much as the other a row sustains."""
        value = self._values[row] - self._values[other]
        error, freedom = self._error(row, other)
        return _range(value, error, freedom)

    @property
    def best(self) -> str | None:
        """The row with the highest capacity, whether others tie with it or not."""
        return max(self._values, key=self._values.__getitem__, default=None)

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
            more = self._values[other] - self._values[row]
            if freedom and more > quantile(share, freedom) * error:
                return True
        return False

    def _error(self, row: str, other: str) -> tuple[float, int]:
        """Return the standard error of the logarithm of a ratio, and its degrees of freedom."""
        rounds = len(self._shifts(row, other))
        if rounds < LEAST_ROUNDS:
            return math.inf, 0
        variance, freedom = self._pooled[self._kind(row, other)]
        error = math.hypot(math.sqrt(variance / rounds), self._unknown[row], self._unknown[other])
        return error, freedom

    def _kind(self, row: str, other: str) -> frozenset[str]:
        return frozenset((self._group[row], self._group[other]))

    def _pool(self) -> dict[frozenset[str], tuple[float, int]]:
        """Return the variance of one round for each kind of pair, and its degrees of freedom.

        Pairs of rows with the same binding resources scatter alike; each alone has few rounds.
        """
        kinds: dict[frozenset[str], list[tuple[float, int]]] = {}
        rows: dict[frozenset[str], set[str]] = {}
        for row, other in combinations(self._values, 2):
            shifts = self._shifts(row, other)
            if len(shifts) >= LEAST_ROUNDS:
                kind = self._kind(row, other)
                variance = len(shifts) * jackknife_variance(shifts)
                kinds.setdefault(kind, []).append((variance, len(shifts)))
                rows.setdefault(kind, set()).update((row, other))
        return {
            kind: (
                fmean(variance for variance, _ in pairs),
                round((fmean(count for _, count in pairs) - 1) * (len(rows[kind]) - 1)),
            )
            for kind, pairs in kinds.items()
        }

    def _shifts(self, row: str, other: str) -> list[float]:
        """Return the logarithms of a ratio without each of the rounds that both rows were in."""
        return [
            values[row] - values[other]
            for values, played in zip(self._without, self._rounds, strict=True)
            if {row, other} <= {sample.row for sample in played} and {row, other} <= values.keys()
        ]


def _stretches(groups: Sequence[Group], rounds: Sequence[Round]) -> dict[str, float]:
    return {row: value for group in groups for row, value in group.stretches(rounds).items()}


def _range(value: float, error: float, freedom: int) -> Range:
    if not freedom or math.isinf(error):
        return Range(math.exp(value), 0.0, math.inf)
    half = quantile((1 + CONFIDENCE) / 2, freedom) * error
    return Range(math.exp(value), math.exp(value - half), math.exp(value + half))
