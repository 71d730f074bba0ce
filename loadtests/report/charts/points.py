"""What charts show of trials: which of them, and in which colour."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from loadtests.report.colours import colour_of, shades_of
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord

NEAR = 1.15  # a rate at most so many times another is near it
DASHES = ([1, 0], [7, 3], [2, 2], [8, 3, 2, 3])  # one for each variant


class Style(NamedTuple):
    """How a row is drawn: the colour of its model, a shade of it for text, and a dash."""

    colour: str
    text: str
    dash: list[int]


def styles(results: Iterable[CellResult]) -> dict[str, Style]:
    rows = {result.row: result.cell for result in results}
    variants = list(dict.fromkeys(cell.variant for cell in rows.values()))
    return {
        row: Style(
            colour_of(cell.model),
            shades_of(cell.model)[0],
            DASHES[variants.index(cell.variant) % len(DASHES)],
        )
        for row, cell in rows.items()
    }


def trials_by_row(
    results: Sequence[CellResult], trials: Iterable[TrialRecord]
) -> dict[str, list[TrialRecord]]:
    """Group the valid trials of one workload by row, each sorted by rate."""
    valid = sorted((trial for trial in trials if trial.valid), key=lambda trial: trial.rate)
    rows = {
        result.row: [trial for trial in valid if trial.cell == result.cell] for result in results
    }
    return {row: those for row, those in rows.items() if those}


def failed_above(result: CellResult, trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the failed trials at the lowest rates above what was sustained: what ran out there.

    There are several of them, because each is short and has few late requests.
    """
    broke = [t for t in trials if t.valid and not t.held and t.rate > result.sustained]
    lowest = min((trial.rate for trial in broke), default=0.0)
    return [trial for trial in broke if trial.rate <= NEAR * lowest]
