"""How much longer than its demand says a request keeps its resource busy, from what trials lost.

Each trial is simulated with its own arrivals and the demand measured in it, for service times that
are stretched more and less. The stretch sought is the one with which the simulated trials lose as
many requests together as the real ones did. So the length of trials, their settling, the machine's
speed and the variation of service times are not corrected for: they are in the simulation.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from random import Random
from statistics import fmean, variance

from loadtests.capacity.queueing import Queue

STEP = 0.02
STRETCHES = tuple(STEP * place for place in range(-50, 101))  # natural logarithms: 0.37 to 7.4
CAPPED = 10  # times the allowed losses: a trial counts no more, and ends there
MOST = 0.5  # of its requests
DRAWS = 3  # of service times that vary, for each trial
NOTHING = 0.3  # losses that stand for none
EQUAL = 1e-3  # two sums of losses that differ less: stored ones are rounded
ALIKE = 0.007  # the least standard deviation of stretches among rows with one binding resource
NEAR = 0.06  # around a stretch, to see how much the losses depend on it
LEAST_ROUNDS = 3  # fewer say nothing of their scatter


@dataclass(frozen=True, slots=True)
class Sample:
    """What a valid trial tells: the demand of a request, its losses, and what was simulated.

    `demand_s` are seconds of the row's binding resource, None where nothing was completed; `cpu_s`
    is CPU time, where that is not the same. `lost`, at most `most`, and `curve` count requests;
    the latter for each of `STRETCHES`.
    """

    row: str
    demand_s: float | None
    lost: float
    most: float
    curve: tuple[float, ...]
    cpu_s: float | None = None

    @property
    def cost_s(self) -> float | None:
        """What follows the speed of the machine."""
        return self.cpu_s or self.demand_s


Round = Sequence[Sample]  # the trials of one round, in their order in time


def enough_lost(loss_ratio: float) -> float:
    """Return the share of losses at which a trial ends: more say nothing about the capacity."""
    return min(CAPPED * loss_ratio, MOST)


def most_lost(scheduled: int, loss_ratio: float) -> float:
    """Count the losses at which a trial of so many requests ends."""
    return max(1.0, enough_lost(loss_ratio) * scheduled)


def curve(
    queue: Queue, arrivals: Sequence[float], demand_s: float, most: float, seed: object
) -> tuple[float, ...]:
    """Simulate a trial for each stretch; returns the losses, at most `most`."""
    rng = Random(f"{seed}")  # noqa: S311 - a simulation, not a secret
    draws = DRAWS if queue.variation > 0.05 else 1
    drawn = [queue.times(len(arrivals), rng) for _ in range(draws)]
    factors = [demand_s * len(times) / math.fsum(times) for times in drawn]

    def losses(place: int) -> float:
        longer = math.exp(STRETCHES[place])
        late = [
            min(queue.late(arrivals, times, factor * longer, most), most)
            for times, factor in zip(drawn, factors, strict=True)
        ]
        return fmean(late)

    last = len(STRETCHES) - 1
    known = {0: losses(0), last: losses(last)}
    spans = [(0, last)]
    while spans:  # a longer service loses no fewer, so equal ends have nothing else between them
        low, high = spans.pop()
        if known[low] == known[high]:
            known |= dict.fromkeys(range(low + 1, high), known[low])
        elif high - low > 1:
            middle = (low + high) // 2
            known[middle] = losses(middle)
            spans += [(low, middle), (middle, high)]
    return tuple(known[place] for place in range(len(STRETCHES)))


def stretch_of(samples: Sequence[Sample]) -> float:
    """Find the logarithm of the stretch at which simulated and real losses are equal in sum.

    Trials that lose nothing only show that it is not longer than some stretch: no stretch is then
    the best guess, if it is not too long.
    """
    real = math.fsum(sample.lost for sample in samples)
    return _where(samples, real) if real else min(_where(samples, NOTHING), 0.0)


def losses_at(sample: Sample, stretch: float) -> float:
    """Return how many requests the simulated trial lost with this logarithm of the stretch."""
    place = min(max((stretch - STRETCHES[0]) / STEP, 0.0), len(STRETCHES) - 1.0)
    low = min(int(place), len(STRETCHES) - 2)
    before, after = sample.curve[low : low + 2]
    return before + (place - low) * (after - before)


def _simulated(samples: Sequence[Sample], place: int) -> float:
    """Return the losses of all trials together at the stretch of this place."""
    return math.fsum(sample.curve[place] for sample in samples)


def _where(samples: Sequence[Sample], losses: float) -> float:
    """Find where so many are lost; the middle of a gap between trials that lost all and nothing."""
    simulated = partial(_simulated, samples)
    places = range(len(STRETCHES))
    place = bisect_left(places, losses - EQUAL, key=simulated)
    end = bisect_right(places, losses + EQUAL, key=simulated)
    if place == 0:
        return STRETCHES[0]
    if place == len(STRETCHES):
        return STRETCHES[-1]
    if place < end < len(STRETCHES):
        return (STRETCHES[place] + STRETCHES[end - 1]) / 2
    before, after = simulated(place - 1), simulated(place)
    return STRETCHES[place - 1] + STEP * (losses - before) / (after - before)


def gap_of(samples: Sequence[Sample]) -> float:
    """Return the width of the stretches that explain the losses within half a request.

    It is wide where trials lost all that counts, or nothing; 0 without trials.
    """
    if not samples:
        return 0.0
    real = math.fsum(sample.lost for sample in samples)
    simulated = partial(_simulated, samples)
    places = range(len(STRETCHES))
    least, most = (max(real, NOTHING) + half for half in (-0.5, 0.5))
    inside = bisect_right(places, most, key=simulated) - bisect_left(places, least, key=simulated)
    return STEP * inside


def error_of(samples: Sequence[Sample]) -> float:
    """Return the standard error of a stretch from trials that lose all that counts, or nothing.

    No losses with the same mean scatter more (Bhatia and Davis, 2000), and late requests come in
    such long rows that trials near the limit scatter about as much. Infinite where the losses do
    not depend on the stretch.
    """
    stretch = stretch_of(samples)
    expected = [losses_at(sample, stretch) for sample in samples]
    scatter = math.fsum(
        mean * (sample.most - mean) for sample, mean in zip(samples, expected, strict=True)
    )
    more, fewer = (
        math.fsum(losses_at(sample, stretch + near) for sample in samples) for near in (NEAR, -NEAR)
    )
    return 2 * NEAR * math.sqrt(max(scatter, 0.0)) / (more - fewer) if more > fewer else math.inf


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with the same binding resource, whose stretches are alike.

    They scatter by `spread` among each other. `own` is the weight of a row's own stretch against
    that of all, from 0 to 1.
    """

    rows: tuple[str, ...]
    own: Mapping[str, float]
    spread: float = ALIKE

    def samples(self, rounds: Iterable[Round]) -> list[Sample]:
        """Return the trials of its rows."""
        return [sample for played in rounds for sample in played if sample.row in self.rows]

    def stretches(self, rounds: Iterable[Round]) -> dict[str, float]:
        """Return the logarithm of each row's stretch; rows without trials have that of all."""
        samples = self.samples(rounds)
        if not samples:
            return dict.fromkeys(self.rows, 0.0)
        common = stretch_of(samples)
        result = {}
        for row in self.rows:
            share = self.own.get(row, 0.0)
            alone = [s for s in samples if s.row == row] if share else []
            result[row] = share * stretch_of(alone) + (1 - share) * common if alone else common
        return result

    def unknown(self, row: str, rounds: Iterable[Round] = ()) -> float:
        """Return the standard error that rounds alike do not show.

        It is that of what a row's stretch takes from those of others, and of stretches that explain
        the losses as well (evenly distributed in their gap).
        """
        samples = self.samples(rounds)
        if len(self.rows) == 1:
            return gap_of(samples) / math.sqrt(12)
        share = self.own.get(row, 0.0)
        gap = (1 - share) * gap_of(samples) + share * gap_of([s for s in samples if s.row == row])
        return math.hypot((1 - share) * self.spread, gap / math.sqrt(12))


def grouped(rows: Sequence[str], rounds: Sequence[Round]) -> Group:
    """Weigh the stretches of single rows by how well they are known (empirical Bayes).

    All are assumed to scatter alike from round to round. How much they differ among each other is
    estimated as by DerSimonian and Laird (1986), and at least `ALIKE`.
    """
    if len(rows) == 1:
        return Group(tuple(rows), {})
    counts: dict[str, int] = {}
    stretches: list[float] = []
    variances: list[float] = []  # of one round
    for row in rows:
        own = [samples for played in rounds if (samples := [s for s in played if s.row == row])]
        if len(own) >= LEAST_ROUNDS and any(sample.lost for samples in own for sample in samples):
            without = [stretch_of([*chain.from_iterable(rest)]) for rest in leaving_out(own)]
            counts[row] = len(own)
            stretches.append(fmean(without))
            variances.append(len(own) * jackknife_variance(without))
    if not counts:
        return Group(tuple(rows), {})
    scatter, spread = fmean(variances), ALIKE**2
    if len(stretches) > 1:
        chance = fmean(scatter / count for count in counts.values())
        spread = max(variance(stretches) - chance, spread)
    own_share = {row: spread / (spread + scatter / count) for row, count in counts.items()}
    return Group(tuple(rows), own_share, math.sqrt(spread))


def leaving_out(rounds: Sequence[Round]) -> list[Sequence[Round]]:
    """Return the rounds without each of them."""
    return [[*rounds[:n], *rounds[n + 1 :]] for n in range(len(rounds))]


def jackknife_variance(without: Sequence[float]) -> float:
    """Estimate the variance of an estimate from what it is without each round (Tukey, 1958)."""
    count, mean = len(without), fmean(without)
    return (count - 1) / count * math.fsum((value - mean) ** 2 for value in without)
