"""What charts show of trials: which of them, and in whose colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loadtests.report.colours import colour_of, shades_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord

ENOUGH = 20  # requests: what was ended after fewer is no point of a line
DASHES = ([1, 0], [7, 3], [2, 2], [8, 3, 2, 3])  # one for each Python


class Style(NamedTuple):
    """How a row is drawn: its model's colour, a shade of that to write with, and a dash."""

    colour: str
    text: str
    dash: list[int]


def styles(cells: Iterable[Cell]) -> dict[str, Style]:
    """Return the style of each row."""
    rows = {cell.row: cell for cell in cells}
    pythons = list(dict.fromkeys(cell.python for cell in rows.values()))
    return {
        row: Style(
            colour_of(cell.model),
            shades_of(cell.model)[0],
            DASHES[pythons.index(cell.python) % len(DASHES)],
        )
        for row, cell in rows.items()
    }


def of_rows(
    results: Sequence[CellResult], trials: Iterable[TrialRecord]
) -> Mapping[str, list[TrialRecord]]:
    """Sort the valid trials of one workload by row and rate."""
    rows: dict[str, list[TrialRecord]] = {result.row: [] for result in results}
    workload = results[0].workload if results else ""
    for trial in trials:
        if trial.valid and trial.workload == workload and trial.cell.row in rows:
            rows[trial.cell.row].append(trial)
    return {row: sorted(found, key=lambda one: one.rate) for row, found in rows.items() if found}


def at_break(result: CellResult, trials: Iterable[TrialRecord]) -> TrialRecord | None:
    """Return the longest trial at the lowest rate that broke: it saw most of what ended first."""
    broke = [one for one in trials if one.valid and not one.held and one.rate > result.bears]
    return min(broke, key=lambda one: (one.rate, -one.duration_s), default=None)
