"""How dear CPU work was in a later run, compared with the first: the machine's speed.

A request of a cell takes a demand, of which the share s is CPU time. At equal code, where the same
CPU work costs f times as much,

    demand after / demand before = 1 - s + s f    and    capacity after / before = 1 / (1 - s + s f)

as long as the waits remain what they were. So each cell that mostly computes gives an estimate of
f, and the machine's is their median: a change of the code of fewer than half of these cells hardly
moves it, and remains visible as a change of those cells. A change that makes most cells dearer
alike cannot be distinguished from a slower machine: it is in the factor, which is always shown.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from loadtests.capacity.estimate import Range, range_of
from loadtests.capacity.student import moderated
from loadtests.run.file.cells import CellResult
from loadtests.wording import DASH, TIMES, percent

COMPUTES = 0.5  # share of CPU time in the demand: with less, f is known too badly
NEGLIGIBLE = 0.05  # share up to which the speed hardly matters, even if it is unknown
# A median of two lies between them: if one cell has changed, nothing shows which of them it was.
FEWEST = 3
WIDEST = 0.1  # standard error: with more, intervals reach a third to each side, or further
# Beyond it, waits, caches and the generator differ as well, and the formula above is too simple.
SLOWEST = 2.0

# The median deviation times this is the standard deviation of a normal distribution; for few
# values it is too small without a further factor (Croux and Rousseeuw, 1992).
NORMAL = 1.4826
FEW = {3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
EFFICIENCY = 0.37  # of the median deviation: what a value tells, compared with the usual variance
OF_MEDIAN = math.sqrt(math.pi / 2)  # its standard error, compared with that of a mean
# Few cells say little of how demands scatter between runs of the same code, so this is added as if
# it came from so many degrees of freedom (Smyth, 2004). Simulated runs of 3 to 28 cells whose
# demands scatter by 0 to 5 % then show a false difference in at most 5 % of comparisons.
USUAL_SCATTER, USUAL_FREEDOM = 0.03, 2


class Part(NamedTuple):
    """A part of the error of a logarithm: its standard error, and the degrees of freedom."""

    error: float
    freedom: int


@dataclass(frozen=True, slots=True)
class Speed:
    """By how much CPU work became dearer; with `doubt`, the reason why that is not known.

    `error` is the standard error of the factor's logarithm, `scatter` the standard deviation of
    what single cells say: a cell is compared at stated demands, which scatter that much.
    """

    factor: Range
    error: float
    scatter: float
    freedom: int
    doubt: str | None = None

    def dearer(self, share: float) -> float:
        """Return how many times as much as before a request takes, by its share of CPU time."""
        return 1 - share + share * self.factor.value

    def part(self, share: float) -> Part:
        """Return the error that a comparison at equal speed has from it."""
        follows = share * self.factor.value / self.dearer(share)
        return Part(follows * math.hypot(self.error, self.scatter), self.freedom)


def speed_of(pairs: Iterable[tuple[CellResult, CellResult]]) -> Speed:
    """Estimate the speed from cells that both runs measured: before, after."""
    factors = [factor for before, after in pairs if (factor := _factor(before, after))]
    if len(factors) < FEWEST:
        return _unknown(
            f"To know by how much takes at least {FEWEST} CPU-bound cells that both runs measured, "
            "with the same binding resource: with fewer, changed code looks like another speed. "
            f"Here it is {len(factors)}"
        )
    speed = _estimate([math.log(factor) for factor in factors])
    value = speed.factor.value
    if speed.error > WIDEST:
        return _unknown(
            f"The {len(factors)} CPU-bound cells disagree: requests cost {min(factors):.2f}{DASH}"
            f"{max(factors):.2f} {TIMES} as much CPU time, so the standard error of the factor is "
            f"{percent(speed.error)}, and at most {percent(WIDEST)} is allowed"
        )
    if not 1 / SLOWEST <= value <= SLOWEST:
        return _unknown(
            f"The same work cost {value:.2f} {TIMES} as much CPU time, and capacities can be "
            f"converted only for factors from {1 / SLOWEST:g} to {SLOWEST:g}"
        )
    return speed


def share_of(before: CellResult, after: CellResult) -> float:
    """Return the part of a cell's demand that follows the speed; all where no demand is known."""
    return next((cell.cpu_share for cell in (before, after) if cell.demand_s), 1.0)


def _factor(before: CellResult, after: CellResult) -> float | None:
    """Return f by one cell; None if it is bound by waits, or by another resource than before."""
    share = before.cpu_share
    if not (before.demand_s and after.demand_s and before.binding == after.binding):
        return None
    factor = 1 + (after.demand_s / before.demand_s - 1) / share if share >= COMPUTES else 0
    return factor if factor > 0 else None


def _estimate(logarithms: Sequence[float]) -> Speed:
    count, middle = len(logarithms), median(logarithms)
    deviation = median(abs(value - middle) for value in logarithms)
    own = NORMAL * FEW.get(count, count / (count - 0.8)) * deviation
    own_freedom = max(1, round(EFFICIENCY * (count - 1)))
    variance, freedom = moderated(own**2, own_freedom, USUAL_SCATTER, USUAL_FREEDOM)
    error = OF_MEDIAN * math.sqrt(variance / count)
    return Speed(range_of(middle, error, freedom), error, math.sqrt(variance), freedom)


def _unknown(doubt: str) -> Speed:
    """Return the speed for cells that hardly depend on it: any that is allowed."""
    factor = Range(1.0, 1 / SLOWEST, SLOWEST)
    return Speed(factor, math.log(SLOWEST) / 2, USUAL_SCATTER, USUAL_FREEDOM, doubt)
