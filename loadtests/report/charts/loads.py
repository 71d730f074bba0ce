"""Response time and goodput against the offered rate: where a line turns, a model gives in."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any

import altair as alt

from loadtests.report.charts.axes import MS, span
from loadtests.report.charts.drawing import INK, SOFT
from loadtests.report.charts.fit import rising
from loadtests.report.charts.lines import COLOUR, Lines, beside, values
from loadtests.report.charts.points import ENOUGH, of_rows, styles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord
    from loadtests.slo import Slo

OFFERED = {"title": "offered, req/s", "grid": False}
UNTITLED = {"title": None}


def p99(results: Sequence[CellResult], trials: Iterable[TrialRecord], slo: Slo) -> Any | None:
    """Draw the response time at p99; None without trials.

    Where over 1 % of the requests were lost it is infinite: such trials lie on the upper edge.
    """
    rows = of_rows(results, trials)
    bound_ms = 1e3 * slo.bound_s
    times = [one.work.p99_ms for found in rows.values() for one in found if one.work.p99_ms]
    y = span([*times, bound_ms], room=1.5)
    lines = Lines(_rates(rows), y, OFFERED, UNTITLED | {"label": MS}, _styles(results))
    for row, found in rows.items():
        for one in found:
            lines.dot(row, one.rate, one.work.p99_ms or y[1], held=one.held)
        enough = _enough(found)
        fit = rising((log(one.work.p99_ms or y[1]), one.work.scheduled) for one in enough)
        for one, height in zip(enough, fit, strict=True):
            lines.go(row, one.rate, exp(height))
    lines.below += _objective(bound_ms, str(slo))
    return lines.chart() if lines.dots else None


def goodput(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> Any | None:
    """Draw what was answered rightly and in time, and each capacity as a bar; None without trials.

    The dotted line is where all that is offered becomes goodput.
    """
    rows = {row: _enough(found) for row, found in of_rows(results, trials).items()}
    x = _rates(rows)
    known = [one.work.goodput for found in rows.values() for one in found if one.work.goodput]
    y = (max(min([*known, x[0]]) / 1.1, x[0] / 2.5), x[1])
    lines = Lines(x, y, OFFERED, UNTITLED, _styles(results))
    for row, found in rows.items():
        fit = rising((_lost(one), one.work.scheduled) for one in found)
        for one, lost in zip(found, fit, strict=True):
            lines.dot(row, one.rate, one.work.goodput or 0.0, held=one.held)
            lines.go(row, one.rate, one.rate * (1 - lost))
    ends = alt.Chart(values([{"x": one, "y": one} for one in x])).encode(y=alt.Y("y:Q"))
    lines.below += [
        ends.mark_line(color=SOFT, strokeDash=[1, 3]).encode(x=alt.X("x:Q")),
        beside(ends.transform_filter(f"datum.x == {x[1]}"), "nothing lost", SOFT),
        _capacities(results, lines),
    ]
    return lines.chart() if lines.dots else None


def _objective(bound_ms: float, name: str) -> list[Any]:
    """Draw the bound of the SLO, named where no line can cover the name."""
    one = alt.Chart(values([{"y": bound_ms}])).encode(y=alt.Y("y:Q"))
    rule = one.mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.2)
    return [rule, beside(one, name, INK), beside(one, "over 1 % lost", SOFT).encode(y=alt.value(0))]


def _capacities(results: Sequence[CellResult], lines: Lines) -> Any:
    bars = [
        {
            "colour": lines.styles[one.row].colour,
            "low": max(one.low, lines.x[0]),
            "high": min(one.high, lines.x[1]),
            "y": one.capacity or one.bears,
        }
        for one in results
        if one.measured and one.bears
    ]
    marks = alt.Chart(values(bars)).mark_rule(strokeWidth=9, opacity=0.35)
    return marks.encode(alt.X("low:Q"), alt.X2("high:Q"), alt.Y("y:Q"), COLOUR)


def _styles(results: Sequence[CellResult]) -> Any:
    return styles(one.cell for one in results)


def _rates(rows: Any) -> tuple[float, float]:
    return span(one.rate for found in rows.values() for one in found)


def _enough(found: Iterable[TrialRecord]) -> list[TrialRecord]:
    return [one for one in found if one.work.scheduled >= ENOUGH]


def _lost(trial: TrialRecord) -> float:
    return 1 - trial.work.ok / trial.work.scheduled
