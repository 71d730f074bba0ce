"""Response times and goodput against the offered rate, and the spectrum of response times."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import Any, NamedTuple

import altair as alt

from loadtests.report.charts.axes import MS, span
from loadtests.report.charts.drawing import INK, SOFT
from loadtests.report.charts.lines import COLOUR, Lines, beside, values
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


class Spectra(NamedTuple):
    """The rate that all rows sustained, and the trial that is shown of each row."""

    rate: float
    shown: dict[str, TrialRecord]


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


def goodput(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> Any | None:
    """Draw the right answers in time, and each capacity as a bar; None without trials.

    The dotted line is where the whole offered load becomes goodput.
    """
    rows = {row: enough(those) for row, those in trials_by_row(results, trials).items()}
    x = _rates(rows)
    known = [trial.work.goodput for those in rows.values() for trial in those if trial.work.goodput]
    y = (max(min([*known, x[0]]) / 1.1, x[0] / 2.5), x[1])
    lines = Lines(x, y, OFFERED, UNTITLED, styles(results))
    for row, those in rows.items():
        fit = rising((_lost(trial), trial.work.scheduled) for trial in those)
        for trial, lost in zip(those, fit, strict=True):
            lines.dot(row, trial.rate, trial.work.goodput or 0.0, held=trial.held)
            lines.go(row, trial.rate, trial.rate * (1 - lost))
    ends = alt.Chart(values([{"x": rate, "y": rate} for rate in x])).encode(y=alt.Y("y:Q"))
    lines.below += [
        ends.mark_line(color=SOFT, strokeDash=[1, 3]).encode(x=alt.X("x:Q")),
        beside(ends.transform_filter(f"datum.x == {x[1]}"), "nothing lost", SOFT),
        _capacities(results, lines),
    ]
    return lines.chart() if lines.dots else None


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
    lines = Lines((2, 1.1 * max(most, 10)), y, ONE_IN, UNTITLED | {"label": MS}, styles(results))
    lines.names = {row: f"{row}, {rate_text(trial.rate)}/s" for row, trial in chosen.shown.items()}
    for row, pairs in times.items():
        for percentile, ms in pairs:
            if ms is not None:
                lines.go(row, _one_in(percentile, chosen.shown[row]), ms)
    return lines.chart()


def _objective(bound_ms: float, name: str) -> list[Any]:
    """Draw the bound of the SLO, named where no line can cover the name."""
    chart = alt.Chart(values([{"y": bound_ms}])).encode(y=alt.Y("y:Q"))
    rule = chart.mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.2)
    lost = beside(chart, "over 1 % lost", SOFT).encode(y=alt.value(0))
    return [rule, beside(chart, name, INK), lost]


def _capacities(results: Sequence[CellResult], lines: Lines) -> Any:
    bars = [
        {
            "colour": lines.styles[result.row].colour,
            "low": max(result.low, lines.x[0]),
            "high": min(result.high, lines.x[1]),
            "y": result.capacity or result.sustained,
        }
        for result in results
        if result.measured and result.sustained
    ]
    marks = alt.Chart(values(bars)).mark_rule(strokeWidth=9, opacity=0.35)
    return marks.encode(alt.X("low:Q"), alt.X2("high:Q"), alt.Y("y:Q"), COLOUR)


def _rates(rows: Mapping[str, Sequence[TrialRecord]]) -> tuple[float, float]:
    return span(trial.rate for those in rows.values() for trial in those)


def _lost(trial: TrialRecord) -> float:
    return 1 - trial.work.ok / trial.work.scheduled


def _one_in(percentile: float, trial: TrialRecord) -> float:
    return 1 / (1 - percentile / 100) if percentile < 100 else trial.work.scheduled


def _size(trial: TrialRecord) -> tuple[float, int]:
    return trial.rate, trial.work.scheduled
