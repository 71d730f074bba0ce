"""What charts show of trials: which of them, in which colour, and the lines through them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from loadtests.report.colours import colour_of, shades_of
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord

ENOUGH = 20  # requests: a trial that ended after fewer does not influence a line
DASHES = ([1, 0], [7, 3], [2, 2], [8, 3, 2, 3])  # one for each Python


class Style(NamedTuple):
    """How a row is drawn: the colour of its model, a shade of it for text, and a dash."""

    colour: str
    text: str
    dash: list[int]


def styles(results: Iterable[CellResult]) -> dict[str, Style]:
    rows = {result.row: result.cell for result in results}
    pythons = list(dict.fromkeys(cell.python for cell in rows.values()))
    return {
        row: Style(
            colour_of(cell.model),
            shades_of(cell.model)[0],
            DASHES[pythons.index(cell.python) % len(DASHES)],
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


def enough(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.work.scheduled >= ENOUGH]


def at_break(result: CellResult, trials: Iterable[TrialRecord]) -> TrialRecord | None:
    """Return the longest trial at the lowest rate that broke: it shows best what ran out."""
    broke = [
        trial
        for trial in trials
        if trial.valid and not trial.held and trial.rate > result.sustained
    ]
    return min(broke, key=lambda trial: (trial.rate, -trial.duration_s), default=None)


def rising(dots: Iterable[tuple[float, float]]) -> list[float]:
    """Fit (value, weight), in their order, by values that never fall, in least squares.

    Isotonic regression by pooling adjacent violators: Barlow et al., "Statistical Inference Under
    Order Restrictions" (1972), section 1.2.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, number of dots
    for value, weight in dots:
        mean, total, count = value, weight, 1
        while pools and pools[-1][0] >= mean:
            before, weight_before, count_before = pools.pop()
            mean = (mean * total + before * weight_before) / (total + weight_before)
            total, count = total + weight_before, count + count_before
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]
