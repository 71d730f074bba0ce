"""The whole distribution of response times, at a rate that every survivor of a workload held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from loadtests.report.charts.axes import MS, span
from loadtests.report.charts.lines import Lines
from loadtests.report.charts.loads import UNTITLED
from loadtests.report.charts.points import of_rows, styles
from loadtests.trial.tally import SPECTRUM
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord

# The axis counts one request in so many: percentiles stand as far apart as they matter.
NAMES = "datum.value == 2 ? 'p50' : datum.value == 10 ? 'p90' : datum.value == 100 ? 'p99' : "
X = {
    "title": "one request in 2, 10, 100, …",
    "grid": False,
    "label": f"{NAMES}datum.value == 1000 ? 'p99.9' : 'all'",
    "values": (2, 10, 100, 1000),
}


class Spectra(NamedTuple):
    """The rate that all survivors held, and of each row the trial that is shown."""

    rate: float
    shown: dict[str, TrialRecord]


def spectra(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> Spectra | None:
    """Choose a trial of each survivor: the nearest that held below the rate that all held.

    Where a search began above that rate, it is its lowest one. None where nothing was recorded.
    """
    survivors = {one.row: one.bears for one in results if one.measured and one.bears}
    rate = min(survivors.values(), default=0.0)
    shown = {}
    for row, found in of_rows(results, trials).items():
        held = [one for one in found if one.held and one.work.spectrum_ms]
        if row in survivors and held:
            below = [one for one in held if one.rate <= 1.001 * rate]
            shown[row] = max(below, key=_size) if below else min(held, key=lambda one: one.rate)
    return Spectra(rate, shown) if shown else None


def figures(trial: TrialRecord) -> list[tuple[float, float | None]]:
    """Return percentiles that the trial has requests for, with their response times in ms."""
    pairs = zip(SPECTRUM, trial.work.spectrum_ms, strict=False)
    return [(at, ms) for at, ms in pairs if _one_in(at, trial) <= trial.work.scheduled]


def spectrum(results: Sequence[CellResult], found: Spectra) -> Any:
    """Draw the distributions; a line ends where the rest was never answered rightly."""
    shown = {row: figures(trial) for row, trial in found.shown.items()}
    y = span((ms for each in shown.values() for _, ms in each if ms), room=1.3)
    most = max(trial.work.scheduled for trial in found.shown.values())
    lines = Lines((2, 1.1 * max(most, 10)), y, X, UNTITLED | {"label": MS}, _styles(results))
    lines.names = {row: f"{row}, {rate_text(one.rate)}/s" for row, one in found.shown.items()}
    for row, each in shown.items():
        for at, ms in each:
            if ms is not None:
                lines.go(row, _one_in(at, found.shown[row]), ms)
    return lines.chart()


def _one_in(percentile: float, trial: TrialRecord) -> float:
    return 1 / (1 - percentile / 100) if percentile < 100 else trial.work.scheduled


def _size(trial: TrialRecord) -> tuple[float, int]:
    return trial.rate, trial.work.scheduled


def _styles(results: Sequence[CellResult]) -> Any:
    return styles(one.cell for one in results)
