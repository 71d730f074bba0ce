"""The ratio of what a cell sustains in two runs, at equal speed of the machine.

The two capacities are independent estimates at stated demands, with intervals that are symmetric in
the logarithm. Their standard errors and that of the speed are combined in quadrature, with degrees
of freedom by Welch and Satterthwaite. Intervals are simultaneous (Bonferroni): with 95 % confidence
all ratios of a comparison lie within theirs, so no more than 5 % of comparisons of runs of the same
code show any difference, however many cells they have.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.capacity.estimate import CONFIDENCE
from loadtests.capacity.student import quantile
from loadtests.cell import Cell
from loadtests.report.compare.speed import Part, Speed, share_of
from loadtests.run.file.cells import CellResult

ENDLESS = 200  # degrees of freedom: with more, Student's t is as good as normal

Sign = Literal["more", "less", "same"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Capacity of a cell `after` ÷ `before` at equal speed: the simultaneous interval, the best.

    `low` is 0, `high` infinite and `best` None where a bound is missing: because the generator was
    the limit, or because the cell sustains no load.
    """

    cell: Cell
    before: CellResult
    after: CellResult
    low: float
    high: float
    best: float | None = None

    @property
    def sign(self) -> Sign:
        """Return "more" or "less" only where the interval excludes 1."""
        return "more" if self.low > 1 else "less" if self.high < 1 else "same"


def ratio_of(
    cell: Cell, before: CellResult, after: CellResult, speed: Speed, together: int
) -> Ratio:
    """Compare two measured results, as one of so many ratios that are to hold together."""
    share = share_of(before, after)
    dearer, own = speed.dearer(share), speed.part(share)
    reach = _reach([*_parts(before), *_parts(after), own], together)
    (least_before, most_before), (least, most) = _bounds(before), _bounds(after)
    low = dearer * _quotient(least, most_before) / reach
    high = dearer * _quotient(most, least_before) * reach if most < math.inf else math.inf
    known = 0 < least == most and 0 < least_before == most_before
    return Ratio(cell, before, after, low, high, dearer * least / least_before if known else None)


def _bounds(result: CellResult) -> tuple[float, float]:
    """Return the estimate twice, or the bounds that are all there is."""
    if result.unbounded or not result.sustained:
        return result.sustained, result.high
    return (result.capacity or 0.0,) * 2


def _quotient(value: float, divisor: float) -> float:
    return value / divisor if divisor else math.inf


def _parts(result: CellResult) -> list[Part]:
    """Return the error of a capacity; bounds have none, because they are already careful."""
    if result.unbounded or not result.sustained:
        return []
    half = math.log(result.high / result.sustained) / 2
    freedom = result.rounds - 1 if result.rounds > 1 else ENDLESS
    return [Part(half / quantile((1 + CONFIDENCE) / 2, freedom), freedom)]


def _reach(parts: Sequence[Part], together: int) -> float:
    """Return by which factor the interval extends to each side."""
    error = math.hypot(*(part.error for part in parts))
    scatter = math.fsum(part.error**4 / part.freedom for part in parts)
    freedom = round(min(max(error**4 / scatter, 1), ENDLESS)) if scatter else ENDLESS
    return math.exp(quantile(1 - (1 - CONFIDENCE) / 2 / together, freedom) * error)
