"""Combine the searches of one cell, and say how far off the tool itself may be.

Searches of the same cell differ: each met other arrivals, another server, another disturbance.
They also share an error: a trial of seconds finds more than one of hours would. The intervals here
contain both. Their constants come from searches of simulated queues of known capacity: M/D/1,
M/D/2, M/D/8, M/D/32, M/M/1 and M/M/2 for p99<250ms, at 30 to 1,600 requests per second.
`scripts/error` prints how good they are. Other bounds were not tried. p99.9 of one exponential
server (M/M/1) is found 6 to 8 % too high, and its interval covers the truth in only two of three
cases: 1,500 requests a trial see too few of its long queues.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from random import Random
from statistics import median, quantiles

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.goals import FULL
from loadtests.cell import Bounds
from loadtests.slo import Slo

_DRAWS = 1000

# The chance that a trial holds falls from nearly 1 to 0 with the rate.
SHARE = 0.6  # the capacity is the rate at which so many undisturbed trials hold
LAPSE = 0.05  # the share of trials that break by a disturbance which the sentinel missed
FLUKE = 0.003  # the share that holds against all odds
WIDTHS = (0.004, 0.008, 0.015, 0.025, 0.04, 0.06)  # of the fall, as shares of the rate
_BETWEEN = 1 - LAPSE - FLUKE
_POINTS = 120
_MARGIN = 0.05  # how far beyond the rates of the trials the capacity may lie


@dataclass(frozen=True, slots=True)
class SearchBias:
    """How far off searches of one kind are, as shares of the capacity.

    Queueing theory for heavy traffic: a percentile of the response time reaches the bound T at a
    rate that lies ln(1 / loss ratio) * (1 + cv²) / 2T below the ceiling of the service, cv being
    the variation of its service times. A short trial does not see all of that gap, so it finds too
    much.
    """

    visible_share: float  # of the gap of constant service times: found too much
    largest: float  # the most that is found too much, for p99; stricter percentiles err more
    spread: float  # of the rest, a normal error whose cause is unknown; for p99
    fitted: bool  # whether the trials suffice to fit a curve to them

    def excess(self, rate: float, slo: Slo) -> float:
        """Return the share by which searches at such rates find too much."""
        gap = -math.log(slo.loss_ratio) / (2 * rate * slo.bound_s)
        return min(self.visible_share * gap, self.largest * _strictness(slo))

    def unknown(self, slo: Slo) -> float:
        return self.spread * max(1.0, _strictness(slo))


@cache
def _strictness(slo: Slo) -> float:
    """Return 1 for p99, 0.5 for p95, 1.8 for p99.9: as the error of simulated searches grows."""
    return math.pow(math.log(slo.loss_ratio) / math.log(0.01), 1.5)


QUICK_ERROR = SearchBias(visible_share=1.35, largest=0.18, spread=0.08, fitted=False)
FULL_ERROR = SearchBias(visible_share=0.8, largest=0.037, spread=0.016, fitted=True)


@dataclass(frozen=True, slots=True)
class Interval:
    """What all searches of a cell say together, in requests per second."""

    held: float  # the medians of what the searches found
    broke: float | None  # None where the generator was the limit, and `high` too
    capacity: float  # the best estimate, without the known excess of short trials
    low: float  # its 95 % interval
    high: float | None
    draws: tuple[float, ...] = field(default=(), repr=False)  # a sample of likely capacities


def combine(
    searches: Sequence[Capacity], slo: Slo, error: SearchBias = FULL_ERROR, seed: int = 0
) -> Interval:
    """Combine searches of one cell for one of the SLOs that they were made for.

    Bootstrap: draw as many searches with replacement, then a capacity from these, and repeat.
    """
    bounds = [search.others.get(slo, search) for search in searches]
    held, broke = medians(bounds)
    ends = [math.inf if bound.broke is None else bound.broke for bound in bounds]
    if broke is None or held <= 0:
        low = min(bound.held for bound in bounds)
        return Interval(held, broke, held, low, None if broke is None else max(ends))
    rng = Random(seed)  # noqa: S311  # for a sample, not for a secret
    draw = _fitted(searches, slo, rng) if error.fitted else None
    draw = draw or _between(
        [(bound.held, end) for bound, end in zip(bounds, ends, strict=True)], rng
    )
    rates = (draw() for _ in range(_DRAWS))
    unknown = error.unknown(slo)
    draws = sorted(
        rate / (1 + error.excess(rate, slo)) * math.exp(rng.gauss(0, unknown))
        for rate in rates  # what endless trials might find where ours found `rate`
        if rate < math.inf
    )
    low, *_, high = quantiles(draws, n=40)
    return Interval(held, broke, median(draws), low, high, tuple(draws))


def medians(bounds: Sequence[Capacity]) -> Bounds:
    """Return [held, broke] of several searches; no `broke` where the generator was the limit."""
    held = median(bound.held for bound in bounds)
    ends = [math.inf if bound.broke is None else bound.broke for bound in bounds]
    broke = median(ends)
    open_ended = broke == math.inf or (held <= 0 and math.inf in ends)
    return held, None if open_ended else broke


def ratio(interval: Interval, other: Interval, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of `interval` ÷ `other`: cells differ only if it excludes 1."""
    if not interval.draws or not other.draws:  # an end is missing, so nothing was drawn
        low = interval.low / other.high if other.high else 0.0
        return low, interval.high / other.low if interval.high and other.low else math.inf
    rng = Random(seed)  # noqa: S311  # for a sample, not for a secret
    pairs = zip(rng.choices(interval.draws, k=4000), rng.choices(other.draws, k=4000), strict=True)
    low, *_, high = quantiles((first / second for first, second in pairs), n=40)
    return low, high


def differ(interval: Interval, other: Interval) -> bool:
    low, high = ratio(interval, other)
    return not low <= 1 <= high


def _between(bounds: Sequence[tuple[float, float]], rng: Random) -> Callable[[], float]:
    """Draw the median of points anywhere between held and broke: a quick search knows no more."""

    def draw() -> float:
        drawn = rng.choices(bounds, k=len(bounds))
        return median(
            rng.uniform(held, broke) if broke < math.inf else broke for held, broke in drawn
        )

    return draw


def _fitted(searches: Sequence[Capacity], slo: Slo, rng: Random) -> Callable[[], float] | None:
    """Draw from the likelihood of all their final trials; None if there are too few."""
    finals = [list(_final(search, slo)) for search in searches]
    if not all({held for _, held in trials} == {True, False} for trials in finals):
        return None
    likelihood = Likelihood(finals, SHARE)
    drawn = cache(likelihood.cumulated)

    def draw() -> float:
        which = tuple(sorted(rng.choices(range(len(finals)), k=len(finals))))
        return likelihood.rate(drawn(which), rng.random())

    return draw


def _final(search: Capacity, slo: Slo) -> Iterable[tuple[float, bool]]:
    return (
        (trial.rate, slo.holds(trial.lost))
        for trial in search.trials
        if trial.duration_s >= FULL.trial_s
    )


class Likelihood:
    """The likelihood of each capacity, from all trials of several searches, at whatever rate.

    The chance that a trial holds is a logistic curve in the logarithm of the rate; its place and
    its width follow from all trials together. So no single trial decides, and one that broke far
    below the others counts as disturbed.
    """

    def __init__(self, searches: Sequence[Sequence[tuple[float, bool]]], share: float) -> None:
        """Take (rate, held) of the trials of each search."""
        rates = [math.log(rate) for trials in searches for rate, _ in trials]
        counted = [
            [(math.log(rate), held, count) for (rate, held), count in Counter(trials).items()]
            for trials in searches
        ]
        low, high = min(rates) - _MARGIN, max(rates) + _MARGIN
        centres = [low + (high - low) * point / _POINTS for point in range(_POINTS + 1)]
        grid = [(centre, width) for width in WIDTHS for centre in centres]
        odds = math.log(share / (1 - share))
        self._rates = [centre - width * odds for centre, width in grid]
        self._order = sorted(range(len(grid)), key=self._rates.__getitem__)
        self._logs = [[_log_likelihood(trials, *point) for point in grid] for trials in counted]

    def cumulated(self, which: tuple[int, ...]) -> list[float]:
        """Return the distribution over ascending rates, from the searches of these indices."""
        logs = [
            sum(column) for column in zip(*(self._logs[search] for search in which), strict=True)
        ]
        most = max(logs)
        return list(accumulate(math.exp(logs[point] - most) for point in self._order))

    def rate(self, cumulated: Sequence[float], quantile: float) -> float:
        place = bisect_left(cumulated, quantile * cumulated[-1])
        return math.exp(self._rates[self._order[min(place, len(cumulated) - 1)]])


def _log_likelihood(
    counted: Sequence[tuple[float, bool, int]], centre: float, width: float
) -> float:
    """Sum over (logarithm of the rate, held, count), as searches repeat rates."""
    total = 0.0
    for log_rate, held, count in counted:
        steps = (log_rate - centre) / width
        chance = FLUKE + _BETWEEN / (1 + math.exp(min(steps, 50.0)))
        total += count * math.log(chance if held else 1 - chance)
    return total
