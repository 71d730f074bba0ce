"""Combine the searches of one cell, and say how far off the tool itself may be.

Searches of the same cell differ: each met other arrivals, another server, another disturbance.
And all of them err alike: a trial of seconds is kinder than an endless one would be. The intervals
here contain both errors. Their constants come from searches of queues in virtual time, whose
capacity is known by theory: M/D/1, M/D/2, M/D/8, M/D/32, M/M/1 and M/M/2 for p99<250ms, at 30 to
1,600 requests per second. `scripts/error` prints what they are worth. Other bounds were not tried,
and p99.9 of one exponential server (M/M/1) is found 6 to 8 % too high, which its interval covers in
two of three cases only: 1,500 requests a trial see too few of its long queues.
"""

import math
from dataclasses import dataclass, field
from functools import cache
from random import Random
from statistics import median, quantiles
from typing import TYPE_CHECKING

from loadtests.capacity.goals import FULL
from loadtests.capacity.likelihood import SHARE, Likelihood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from loadtests.capacity.bounds import Capacity
    from loadtests.cell import Bounds
    from loadtests.slo import Slo

_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class SearchBias:
    """How far off searches of one kind are, as shares of the capacity.

    Queueing theory for heavy traffic: a percentile of the response time reaches the bound T at a
    rate that lies ln(1 / loss ratio) * (1 + cv²) / 2T below the ceiling of the service, cv being
    the variation of its service times. A short trial does not see that gap, or not all of it: it
    finds `seen` of the gap of constant times too much, but `most` at most. The rest is unknown, a
    normal error of `spread`. `most` and `spread` are those of p99; a stricter percentile errs more.
    `fitted`: whether the trials suffice to fit a curve to them.
    """

    seen: float
    most: float
    spread: float
    fitted: bool

    def kindness(self, rate: float, slo: "Slo") -> float:
        """Return the share by which searches at such rates find too much."""
        gap = -math.log(slo.loss_ratio) / (2 * rate * slo.bound_s)
        return min(self.seen * gap, self.most * _strictness(slo))

    def unknown(self, slo: "Slo") -> float:
        return self.spread * max(1.0, _strictness(slo))


@cache
def _strictness(slo: "Slo") -> float:
    """Return 1 for p99, 0.5 for p95, 1.8 for p99.9: as the error of virtual searches grows."""
    return math.pow(math.log(slo.loss_ratio) / math.log(0.01), 1.5)


QUICK_ERROR = SearchBias(seen=1.35, most=0.18, spread=0.08, fitted=False)
FULL_ERROR = SearchBias(seen=0.8, most=0.037, spread=0.016, fitted=True)


@dataclass(frozen=True, slots=True)
class Interval:
    """What all searches of a cell say together, in requests per second.

    [held, broke] are the medians of what they found; `capacity` is the best guess after the known
    kindness of short trials, [low, high] its 95 % interval. `broke` and `high` are None where the
    generator was the limit. `draws` are rates as likely as the capacity is to be there.
    """

    held: float
    broke: float | None
    capacity: float
    low: float
    high: float | None
    draws: tuple[float, ...] = field(default=(), repr=False)


def combine(
    found: "Sequence[Capacity]", slo: "Slo", error: SearchBias = FULL_ERROR, seed: int = 0
) -> Interval:
    """Combine searches of one cell for one of the SLOs that they were made for.

    Bootstrap: as many searches are drawn with replacement, and from these a capacity; that often.
    """
    bounds = [one.others.get(slo, one) for one in found]
    held, broke = medians(bounds)
    ends = [math.inf if one.broke is None else one.broke for one in bounds]
    if broke is None or held <= 0:
        low = min(one.held for one in bounds)
        return Interval(held, broke, held, low, None if broke is None else max(ends))
    rng = Random(seed)  # noqa: S311  # for a sample, not for a secret
    draw = _fitted(found, slo, rng) if error.fitted else None
    draw = draw or _between([(one.held, end) for one, end in zip(bounds, ends, strict=True)], rng)
    rates = (draw() for _ in range(_DRAWS))
    unknown = error.unknown(slo)
    draws = sorted(
        rate / (1 + error.kindness(rate, slo)) * math.exp(rng.gauss(0, unknown))
        for rate in rates  # what trials without end might find where ours found `rate`
        if rate < math.inf
    )
    low, *_, high = quantiles(draws, n=40)
    return Interval(held, broke, median(draws), low, high, tuple(draws))


def medians(bounds: "Sequence[Capacity]") -> "Bounds":
    """Return [held, broke] of several searches; no break where their generator was the limit."""
    held = median(one.held for one in bounds)
    ends = [math.inf if one.broke is None else one.broke for one in bounds]
    broke = median(ends)
    open_ended = broke == math.inf or (held <= 0 and math.inf in ends)
    return held, None if open_ended else broke


def ratio(one: Interval, other: Interval, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of `one` ÷ `other`: two cells differ only if it excludes 1."""
    if not one.draws or not other.draws:  # a bound is missing, and with it all that is between
        low = one.low / other.high if other.high else 0.0
        return low, one.high / other.low if one.high and other.low else math.inf
    rng = Random(seed)  # noqa: S311  # for a sample, not for a secret
    pairs = zip(rng.choices(one.draws, k=4000), rng.choices(other.draws, k=4000), strict=True)
    low, *_, high = quantiles((mine / theirs for mine, theirs in pairs), n=40)
    return low, high


def differ(one: Interval, other: Interval) -> bool:
    low, high = ratio(one, other)
    return not low <= 1 <= high


def _between(bounds: "Sequence[tuple[float, float]]", rng: Random) -> "Callable[[], float]":
    """Draw the median of points anywhere between held and broke: all that one search knows."""

    def draw() -> float:
        drawn = rng.choices(bounds, k=len(bounds))
        return median(
            rng.uniform(held, broke) if broke < math.inf else broke for held, broke in drawn
        )

    return draw


def _fitted(found: "Sequence[Capacity]", slo: "Slo", rng: Random) -> "Callable[[], float] | None":
    """Draw from the likelihood of all their final trials; None if there are too few."""
    each = [list(_final(one, slo)) for one in found]
    if not all({held for _, held in trials} == {True, False} for trials in each):
        return None
    likelihood = Likelihood(each, SHARE)
    drawn = cache(likelihood.cumulated)

    def draw() -> float:
        which = tuple(sorted(rng.choices(range(len(each)), k=len(each))))
        return likelihood.rate(drawn(which), rng.random())

    return draw


def _final(found: "Capacity", slo: "Slo") -> "Iterable[tuple[float, bool]]":
    return (
        (trial.rate, slo.holds(trial.lost))
        for trial in found.trials
        if trial.duration_s >= FULL.trial_s
    )
