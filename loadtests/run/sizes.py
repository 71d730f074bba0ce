"""The rows of a model that differ in size alone, and what they show of the size that is enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from loadtests.capacity.estimate import Range
from loadtests.capacity.sizing import Size
from loadtests.cell import Variation
from loadtests.run.file.cells import CellResult, Standing


@dataclass(frozen=True, slots=True)
class Series:
    """Results of a model by the size of one option, with all others alike: the smallest first."""

    model: str
    option: str
    others: Variation
    results: Mapping[int, CellResult]

    def sizes(self, standing: Standing) -> dict[int, Size]:
        """Return what the sizes sustain, compared with the best of them."""
        known = {size: cell for size, cell in self.results.items() if cell.measured}
        best = max(known.values(), key=lambda cell: (cell.unbounded, cell.sustained), default=None)
        return {
            size: Size(
                cell.interval or Range(0, 0, 0),
                _ratio(best, cell, standing) if best and cell is not best else None,
                cell.unbounded,
                cell.pss_mib,
            )
            for size, cell in known.items()
        }


def _ratio(best: CellResult, cell: CellResult, standing: Standing) -> Range | None:
    if best.unbounded:
        if cell.unbounded:
            return None
        least = best.sustained
        value, low = (least / rate if rate else math.inf for rate in (cell.capacity, cell.broke))
        return Range(value, low, math.inf)
    known = standing.ratio(best.row, cell.row)
    if known is None and not cell.sustained:
        return Range(math.inf, math.inf, math.inf)
    return known


def series_of(
    cells: Iterable[CellResult], variations: Mapping[str, Variation], option: str
) -> list[Series]:
    """Group the cells of one workload whose rows differ in this option alone."""
    groups: dict[tuple[str, str], tuple[Variation, dict[int, CellResult]]] = {}
    for cell in cells:
        variation = variations.get(cell.variant, Variation())
        size = variation.options.get(option, "")
        if size.isdecimal():
            others = {name: value for name, value in variation.options.items() if name != option}
            rest = Variation(others, variation.python)
            groups.setdefault((cell.model, rest.label), (rest, {}))[1][int(size)] = cell
    return [
        Series(model, option, rest, dict(sorted(results.items())))
        for (model, _), (rest, results) in groups.items()
    ]
