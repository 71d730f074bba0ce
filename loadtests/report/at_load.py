"""At the user's load: which rows hold it, how fast they answer, and with what headroom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from loadtests.capacity.estimate import Range
from loadtests.cell import Cell
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Run, TrialRecord


@dataclass(frozen=True, slots=True)
class AtLoad:
    """One cell at this rate; the trial is None where it was ruled out, or did not count.

    `held` is None if neither a trial nor the interval of the capacity shows it. `headroom` is the
    capacity ÷ the rate, without an upper end at the limit of the generator.
    """

    rate: float
    held: bool | None = None
    headroom: Range | None = None
    trial: TrialRecord | None = None


def at_loads(run: Run, cells: Iterable[CellResult]) -> dict[Cell, AtLoad]:
    """Return what is known of each cell at the load that was requested, if there is one."""
    rate = run.plan.arguments.get("load")
    return {c.cell: at_load(c, float(rate), run.loads.get(c.cell)) for c in cells} if rate else {}


def at_load(cell: CellResult, rate: float, trial: TrialRecord | None = None) -> AtLoad:
    """Judge a cell at a rate by its trial there, or else by the interval of its capacity."""
    headroom = (
        Range(*(end / rate for end in cell.interval)) if cell.measured and cell.interval else None
    )
    if trial and trial.valid:
        return AtLoad(rate, trial.held, headroom, trial)
    held = None
    if headroom and (headroom.low >= 1 or headroom.high < 1):
        held = headroom.low >= 1
    return AtLoad(rate, held, headroom)
