"""The whole distribution of response times, at a rate that every row of a workload sustained."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from loadtests.report.charts.axes import MS, span
from loadtests.report.charts.lines import Lines
from loadtests.report.charts.loads import UNTITLED
from loadtests.report.charts.points import styles, trials_by_row
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.trial.tally import SPECTRUM
from loadtests.wording import rate_text

# The axis counts one request in so many: percentiles stand as far apart as they matter.
NAMES = "datum.value == 2 ? 'p50' : datum.value == 10 ? 'p90' : datum.value == 100 ? 'p99' : "
X = {
    "title": "one request in 2, 10, 100, …",
    "grid": False,
    "label": f"{NAMES}datum.value == 1000 ? 'p99.9' : 'all'",
    "values": (2, 10, 100, 1000),
}


class Spectra(NamedTuple):
    """The rate that all rows sustained, and the trial that is shown of each row."""

    rate: float
    shown: dict[str, TrialRecord]


def spectra(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> Spectra | None:
    """Choose a trial of each row: the highest that held, up to the rate that all rows sustained.

    If a search began above that rate, its lowest trial. None if nothing was recorded.
    """
    sustained = {
        result.row: result.sustained for result in results if result.measured and result.sustained
    }
    rate = min(sustained.values(), default=0.0)
    shown = {}
    for row, those in trials_by_row(results, trials).items():
        held = [trial for trial in those if trial.held and trial.work.spectrum_ms]
        if row in sustained and held:
            below = [trial for trial in held if trial.rate <= 1.001 * rate]
            lowest = min(held, key=lambda trial: trial.rate)
            shown[row] = max(below, key=_size, default=lowest)
    return Spectra(rate, shown) if shown else None


def figures(trial: TrialRecord) -> list[tuple[float, float | None]]:
    """Return the percentiles for which the trial has enough requests, with their times in ms."""
    pairs = zip(SPECTRUM, trial.work.spectrum_ms, strict=False)
    return [(at, ms) for at, ms in pairs if _one_in(at, trial) <= trial.work.scheduled]


def spectrum(results: Sequence[CellResult], chosen: Spectra) -> Any:
    """Draw the distributions; a line ends where the remaining requests got no right answer."""
    times = {row: figures(trial) for row, trial in chosen.shown.items()}
    y = span((ms for pairs in times.values() for _, ms in pairs if ms), room=1.3)
    most = max(trial.work.scheduled for trial in chosen.shown.values())
    lines = Lines((2, 1.1 * max(most, 10)), y, X, UNTITLED | {"label": MS}, styles(results))
    lines.names = {row: f"{row}, {rate_text(trial.rate)}/s" for row, trial in chosen.shown.items()}
    for row, pairs in times.items():
        for percentile, ms in pairs:
            if ms is not None:
                lines.go(row, _one_in(percentile, chosen.shown[row]), ms)
    return lines.chart()


def _one_in(percentile: float, trial: TrialRecord) -> float:
    return 1 / (1 - percentile / 100) if percentile < 100 else trial.work.scheduled


def _size(trial: TrialRecord) -> tuple[float, int]:
    return trial.rate, trial.work.scheduled
