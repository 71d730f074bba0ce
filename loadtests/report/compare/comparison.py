"""Compare cells of later runs with the same cells of the first, by intervals of their ratios."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple

from loadtests.capacity.interval import ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.cell import Cell
    from loadtests.report.compare.sides import Side
    from loadtests.run.file.cells import CellResult

Sign = Literal["more", "less", "same"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """What a cell bears ÷ what it bore in the first run: a 95 % interval, and the best guess.

    `low` is 0, `high` infinite and `best` None where a bound is missing: because a search met its
    upper limit, or because the cell bears no load.
    """

    low: float
    high: float
    best: float | None = None

    @property
    def sign(self) -> Sign:
        """Tell "more" from "less" only where the interval excludes 1."""
        return "more" if self.low > 1 else "less" if self.high < 1 else "same"


@dataclass(frozen=True, slots=True)
class Match:
    """A cell in one of the later runs; without `ratio` where there is nothing to compare."""

    found: CellResult | None
    ratio: Ratio | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A cell in the first run, and in each of the later ones, in their order."""

    cell: Cell
    first: CellResult | None
    later: tuple[Match, ...]

    @property
    def measured(self) -> bool:
        """Whether it is in some run."""
        found = (self.first, *(match.found for match in self.later))
        return any(cell is not None and cell.measured for cell in found)


class Compared(NamedTuple):
    """A cell that the first run and a later one have both measured."""

    cell: Cell
    before: CellResult
    after: CellResult
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs of which the first is what the others are measured by.

    A cell has to bear less by more than the share `tolerance` to be called a regression.
    """

    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    tolerance: float = 0.0

    @property
    def first(self) -> Side:
        return self.sides[0]

    @property
    def later(self) -> tuple[Side, ...]:
        return self.sides[1:]

    @property
    def shown(self) -> tuple[Row, ...]:
        """Leave out what no run has measured."""
        return tuple(row for row in self.rows if row.measured)

    def compared(self, number: int) -> Iterator[Compared]:
        """Go through the cells that can be compared in the later run of this number, from 0."""
        for row in self.rows:
            match = row.later[number]
            if row.first is not None and match.found is not None and match.ratio is not None:
                yield Compared(row.cell, row.first, match.found, match.ratio)

    def regressed(self, ratio: Ratio) -> bool:
        return ratio.high < 1 - self.tolerance

    @property
    def regressions(self) -> int:
        """Count the cells of later runs that certainly bear less than in the first."""
        return sum(
            self.regressed(each.ratio)
            for number in range(len(self.later))
            for each in self.compared(number)
        )


def compare(sides: Sequence[Side], tolerance: float = 0.0) -> Comparison:
    """Compare each run with the first; cells stand in the order in which they were asked for."""
    first, *later = sides
    asked = dict.fromkeys(cell for side in sides for cell in side.cells)
    workloads = list(dict.fromkeys(cell.workload for cell in asked))
    cells = sorted(asked, key=lambda cell: workloads.index(cell.workload))
    rows = tuple(
        Row(
            cell,
            first.cells.get(cell),
            tuple(_match(first.cells.get(cell), side.cells.get(cell)) for side in later),
        )
        for cell in cells
    )
    return Comparison(tuple(sides), rows, tolerance)


def _match(before: CellResult | None, after: CellResult | None) -> Match:
    if before is None or after is None or not (before.shown and after.shown):
        return Match(after)
    if before.interval is None or after.interval is None:
        return Match(after)
    low, high = ratio(after.interval, before.interval)
    return Match(after, Ratio(low, high, _best(before, after)))


def _best(before: CellResult, after: CellResult) -> float | None:
    guesses = [
        cell.capacity
        for cell in (before, after)
        if cell.bears and cell.high < inf and cell.capacity
    ]
    return guesses[1] / guesses[0] if len(guesses) == 2 else None
