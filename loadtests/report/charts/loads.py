"""Response times against the offered rate, and their spectrum near the capacity."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import Any

import altair as alt

from loadtests.report.charts.axes import MS, span
from loadtests.report.charts.drawing import INK, SOFT
from loadtests.report.charts.lines import Lines, beside, values
from loadtests.report.charts.points import enough, rising, styles, trials_by_row
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.slo import Slo
from loadtests.trial.tally import SPECTRUM
from loadtests.wording import rate_text

OFFERED = {"title": "offered, req/s", "grid": False}
UNTITLED = {"title": None}
# The axis counts one request in so many: percentiles stand as far apart as they matter.
NAMES = "datum.value == 2 ? 'p50' : datum.value == 10 ? 'p90' : datum.value == 100 ? 'p99' : "
ONE_IN = {
    "title": "one request in 2, 10, 100, …",
    "grid": False,
    "label": f"{NAMES}datum.value == 1000 ? 'p99.9' : 'all'",
    "values": (2, 10, 100, 1000),
}


def p99(results: Sequence[CellResult], trials: Iterable[TrialRecord], slo: Slo) -> Any | None:
    """Draw the response time at p99; None without trials.

    Where more than 1 % of the requests were lost it is infinite: those trials are on the upper
    edge.
    """
    rows = trials_by_row(results, trials)
    bound_ms = 1e3 * slo.bound_s
    times = [trial.work.p99_ms for those in rows.values() for trial in those if trial.work.p99_ms]
    y = span([*times, bound_ms], room=1.5)
    lines = Lines(_rates(rows), y, OFFERED, UNTITLED | {"label": MS}, styles(results))
    for row, those in rows.items():
        for trial in those:
            lines.dot(row, trial.rate, trial.work.p99_ms or y[1], held=trial.held)
        chosen = enough(those)
        fit = rising((log(trial.work.p99_ms or y[1]), trial.work.scheduled) for trial in chosen)
        for trial, height in zip(chosen, fit, strict=True):
            lines.go(row, trial.rate, exp(height))
    lines.below += _objective(bound_ms, str(slo))
    return lines.chart() if lines.dots else None


def spectra(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> dict[str, TrialRecord]:
    """Choose the trial of each row that passed nearest to its capacity, if it was recorded."""
    capacities = {result.row: result.capacity or 0.0 for result in results if result.sustained}
    shown = {}
    for row, those in trials_by_row(results, trials).items():
        held = [trial for trial in those if trial.held and trial.work.spectrum_ms]
        if row in capacities and held:
            distances = [abs(log(trial.rate / capacities[row])) for trial in held]
            shown[row] = held[distances.index(min(distances))]
    return shown


def figures(trial: TrialRecord) -> list[tuple[float, float | None]]:
    """Return the percentiles for which the trial has enough requests, with their times in ms."""
    pairs = zip(SPECTRUM, trial.work.spectrum_ms, strict=False)
    return [(at, ms) for at, ms in pairs if _one_in(at, trial) <= trial.work.scheduled]


def spectrum(results: Sequence[CellResult], shown: Mapping[str, TrialRecord]) -> Any:
    """Draw the distributions; a line ends where the remaining requests got no right answer."""
    times = {row: figures(trial) for row, trial in shown.items()}
    y = span((ms for pairs in times.values() for _, ms in pairs if ms), room=1.3)
    most = max(trial.work.scheduled for trial in shown.values())
    lines = Lines((2, 1.1 * max(most, 10)), y, ONE_IN, UNTITLED | {"label": MS}, styles(results))
    lines.names = {row: f"{row}, {rate_text(trial.rate)}/s" for row, trial in shown.items()}
    for row, pairs in times.items():
        for percentile, ms in pairs:
            if ms is not None:
                lines.go(row, _one_in(percentile, shown[row]), ms)
    return lines.chart()


def _objective(bound_ms: float, name: str) -> list[Any]:
    """Draw the bound of the SLO, named where no line can cover the name."""
    chart = alt.Chart(values([{"y": bound_ms}])).encode(y=alt.Y("y:Q"))
    rule = chart.mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.2)
    lost = beside(chart, "over 1 % lost", SOFT).encode(y=alt.value(0))
    return [rule, beside(chart, name, INK), lost]


def _rates(rows: Mapping[str, Sequence[TrialRecord]]) -> tuple[float, float]:
    return span(trial.rate for those in rows.values() for trial in those)


def _one_in(percentile: float, trial: TrialRecord) -> float:
    return 1 / (1 - percentile / 100) if percentile < 100 else trial.work.scheduled
