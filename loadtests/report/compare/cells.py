"""What stands in the cells of a comparison, in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.machine.environment import describe
from loadtests.report.survival.matrix import ABSENT
from loadtests.report.wording import interval_text

if TYPE_CHECKING:
    from loadtests.report.compare.comparison import Comparison
    from loadtests.run.file.cells import CellResult

NOTHING_CHANGED = "Nothing is known to differ between these runs but when they were made."


def rate_of(cell: CellResult | None) -> str:
    """Return what a cell bears, or a dash for what is not there."""
    if cell is None or cell.unavailable:
        return ABSENT
    return interval_text(cell) if cell.measured else "no result"


def title_of(comparison: Comparison) -> str:
    others = ", ".join(side.label for side in comparison.later)
    return f"{others} against {comparison.first.label}"


def objectives(comparison: Comparison) -> str:
    """Name the objective of all runs, or each of them where they differ."""
    return " or ".join(dict.fromkeys(side.run.plan.slo for side in comparison.sides))


def places(comparison: Comparison) -> list[tuple[str, str]]:
    """Describe where each run was made; once where it was the same for all."""
    told = [(side.label, describe(side.run.plan.environment)) for side in comparison.sides]
    return [("All", told[0][1])] if len({where for _, where in told}) == 1 else told
