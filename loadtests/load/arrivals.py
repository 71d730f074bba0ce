"""Decide beforehand when requests start, so that no slow answer can hold back the next one."""

from itertools import repeat
from statistics import fmean, pvariance
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

Kind = Literal["poisson", "uniform"]


def poisson(rate: float, duration_s: float, rng: "Random") -> list[float]:
    """Draw sorted start times in [0, duration), in seconds, of a Poisson process.

    The process is conditioned on its count: given how many arrivals there are, their times are
    independent and uniform. So exactly round(rate * duration) requests are offered, whatever the
    seed, while gaps and bursts are those of a Poisson process. An unconditioned one would offer
    a rate of its own in every trial: ± 4.5 % for 500 requests, as wide as the intervals sought.
    """
    _check(rate, duration_s)
    return sorted(rng.random() * duration_s for _ in range(round(rate * duration_s)))


def uniform(rate: float, duration_s: float, rng: "Random") -> list[float]:
    """Space the same count of start times evenly, with a random phase."""
    _check(rate, duration_s)
    count = round(rate * duration_s)
    phase = rng.random()
    return [(position + phase) / count * duration_s for position in range(count)]


SCHEDULES: dict[Kind, "Callable[[float, float, Random], list[float]]"] = {
    "poisson": poisson,
    "uniform": uniform,
}


def gaps(kind: Kind, rng: "Random") -> "Iterator[float]":
    """Yield gaps between arrivals for a rate of one, without end.

    Divide each by the current rate: that rate may change while the load runs.
    """
    if kind == "uniform":
        return repeat(1.0)
    return iter(lambda: rng.expovariate(1.0), -1.0)


def turn(index: int) -> float:
    """Give the process of this index its place between two arrivals of another, from 0 to 1.

    Evenly spaced arrivals of several processes then lie between each other: evenly for 2, 4 or 8
    of them with equal rates, and never at once for any number (the sequence of van der Corput:
    nobody has to know how many there are).
    """
    place, half = 0.0, 0.5
    while index > 0:
        place += half * (index & 1)
        index, half = index >> 1, half / 2
    return place


def dispersion(times: "Sequence[float]", bin_s: float = 0.010) -> float:
    """Divide the variance of the counts per bin by their mean: 1 for Poisson, near 0 for even.

    Needs sorted times from 0 on that fill two bins at least; an incomplete last bin is left out.
    """
    bins = int(times[-1] / bin_s) if times else 0
    if bins < 2:
        raise ValueError(
            f"dispersion expects times over two bins of {bin_s} s at least, got {len(times)} times "
            f"over {bins} bins: give more times or smaller bins."
        )
    counts = [0] * (bins + 1)
    for time in times:
        counts[int(time / bin_s)] += 1
    counts.pop()
    mean = fmean(counts)
    return pvariance(counts, mean) / mean if mean else 0.0


def _check(rate: float, duration_s: float) -> None:
    if rate <= 0 or duration_s <= 0:
        raise ValueError(
            f"A schedule needs a rate and a duration above zero, got {rate:g}/s for "
            f"{duration_s:g} s: for example 100/s for 5 s."
        )
