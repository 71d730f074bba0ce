"""The figures of a report: each a chart, its caption, and its data as a table."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from markupsafe import Markup

from loadtests.report.charts import bars, loads, resources, stages
from loadtests.report.charts.converter import Converter
from loadtests.report.charts.drawing import drawn, inline, standalone
from loadtests.report.charts.points import NEAR, styles
from loadtests.report.gallery import Gallery
from loadtests.report.summary import Summary
from loadtests.report.survival.tables import Table, ceilings_table, spectra_table, stages_table
from loadtests.report.verdicts import leaders
from loadtests.report.wording import headline
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.slo import Slo
from loadtests.wording import rate_text

P99 = (
    "Against the offered rate: a dot is a trial, hollow if it failed; lines are fits that assume "
    "only that things get worse as the load rises. Trials last seconds, so there are few requests "
    "in each, and most are near the capacity."
)
CAPACITIES = (
    "Each bar is the 95 % confidence interval for the capacity, the mark in it the best estimate; "
    "each axis is logarithmic; ★: best, or statistically tied with it."
)
TIMES_NEAR = (
    "Each model near its own capacity: the trial nearest to it that passed, at the rate in its "
    "label. The rates differ, so this compares the shapes of the lines, not the models."
)
STAGES = (
    "Mean stages of typical and of late answers, in the failed trials just above what was "
    "sustained."
)
USED = (
    f"Medians over the trials within {100 * (NEAR - 1):.0f} % of the capacity, whether they passed "
    "or not. Bars of one column have the same scale; memory is PSS."
)
CEILINGS = (
    "Bar: measured. Line: predicted before the first round. Double line: the estimated limit, at "
    "which the named resource runs out."
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on a page; without a table of its own its data are in that of all trials.

    `key` explains colours that have no name in the chart. `picture` is None if it could not be
    drawn.
    """

    title: str
    caption: str
    picture: Markup | None = None
    table: Table | None = None
    key: dict[str, str] = field(default_factory=dict)
    wide: bool = False

    @property
    def natural(self) -> int:
        """The width of the drawing in pixels: if it is shown smaller, so are its letters."""
        width = re.search(r' width="(\d+)', self.picture or "")
        return int(width[1]) if width else 0


class Sketch(NamedTuple):
    """A figure before it is drawn; it is left out if its chart is None.

    `words` are for readers who cannot see the chart, unless its table serves them.
    """

    name: str
    chart: Callable[[], Any]
    figure: Figure
    words: str = ""


def capacity_drawing(summary: Summary) -> str:
    """Draw what `capacity_svg` and `capacity_figure` show."""
    best = leaders(summary.cells, summary.standings)
    return bars.capacities(summary.cells, best, headline(summary.slo))


def capacity_svg(drawing: str, summary: Summary) -> str:
    """Return `capacity.svg`, which follows the colours of the page that shows it."""
    return standalone(drawing, headline(summary.slo), bars.described(summary.cells))


def capacity_figure(drawing: str, summary: Summary) -> Figure:
    """Return the chart as a part of a page, without a picture if it could not be drawn."""
    words = bars.described(summary.cells)
    picture = inline(drawing, "capacity", headline(summary.slo), words) if drawing else None
    return Figure("Capacity by model", CAPACITIES, picture, wide=True)


def figures(
    workload: str,
    results: Sequence[CellResult],
    trials: Sequence[TrialRecord],
    slo: Slo,
    gallery: Gallery,
) -> Iterator[Figure]:
    for sketch in _sketches(results, trials, slo):
        draw = partial(_drawn, sketch, workload, gallery.converter)
        figure = gallery.attempt(f"{sketch.figure.title!r} of {workload}", draw, sketch.figure)
        if figure is not None:
            yield figure


def _sketches(
    results: Sequence[CellResult], trials: Sequence[TrialRecord], slo: Slo
) -> Iterator[Sketch]:
    p99 = Figure("Response time at p99", P99)
    yield Sketch("p99", partial(loads.p99, results, trials, slo), p99, _p99_words(results, trials))
    if shown := loads.spectra(results, trials):
        times = Figure("All response times", TIMES_NEAR, table=spectra_table(shown))
        yield Sketch("spectrum", partial(loads.spectrum, results, shown), times)
    if spent := stages.spent(results, trials):
        table, key = stages_table(spent), stages.key()
        went = Figure("Where the time went above the capacity", STAGES, table=table, key=key)
        yield Sketch("stages", partial(stages.chart, spent, styles(results)), went)
    used = Figure("Resources used", USED)
    words = bars.described(results)
    yield Sketch("used", partial(resources.chart, results, trials), used, words)
    table = ceilings_table(results)
    limits = Figure("Limit, prediction, measurement", CEILINGS, table=table)
    yield Sketch("ceiling", partial(bars.ceilings, results), limits)


def _drawn(sketch: Sketch, workload: str, converter: Converter) -> Figure | None:
    chart, figure = sketch.chart(), sketch.figure
    if chart is None:
        return None
    picture = chart if isinstance(chart, str) else drawn(chart, converter)
    words = figure.table.as_text() if figure.table else sketch.words
    name = f"{sketch.name}-{workload}"
    return replace(figure, picture=inline(picture, name, figure.title, words))


def _p99_words(results: Sequence[CellResult], trials: Sequence[TrialRecord]) -> str:
    parts = []
    for cell in results:
        held = [trial for trial in trials if trial.cell == cell.cell and trial.valid and trial.held]
        best = max(held, key=lambda trial: (trial.rate, trial.duration_s), default=None)
        if best and best.work.p99_ms is not None:
            parts.append(f"{cell.row} {best.work.p99_ms:.0f} ms at {rate_text(best.rate)} req/s")
    words = f"In the trial at the highest rate that each passed: {', '.join(parts)}."
    return words if parts else "No trial passed."
