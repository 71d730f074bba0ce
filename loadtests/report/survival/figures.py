"""The figures of a report: each a chart, its caption, and its data as a table."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from markupsafe import Markup

from loadtests.report.charts import bars, loads, resources, spectrum, stages
from loadtests.report.charts.converter import Converter
from loadtests.report.charts.drawing import drawn, inline, standalone
from loadtests.report.charts.points import ENOUGH, styles
from loadtests.report.gallery import Gallery
from loadtests.report.summary import Summary
from loadtests.report.survival.tables import Table, ceilings_table, spectra_table, stages_table
from loadtests.report.verdicts import leaders
from loadtests.report.wording import headline
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.slo import Slo
from loadtests.wording import rate_text

RISING = "lines are fits that assume only that things get worse as the load rises"
DOTS = "a dot is a trial, hollow if the load was not held"
CAPACITIES = (
    "Each bar is the 95 % confidence interval for the capacity, the mark in it the best estimate; "
    "each axis is logarithmic; ★: best, or statistically tied with it."
)
GOODPUT = (
    f"Correct answers in time, per second, in trials of {ENOUGH} requests or more; bars are the "
    "intervals of the capacities."
)
STAGES = (
    "Mean stages of typical and of late answers, in the longest trial at the lowest rate that "
    "broke."
)
USED = (
    "While the load rose from 0.6 to 1.7 times the capacity, which is marked; the number belongs "
    "to the highest load tried. Loop lag has a logarithmic axis; memory is PSS."
)
CEILINGS = (
    "Bar: measured. Stroke: predicted before the search. Double stroke: the estimated limit, at "
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
    picture: Markup | None
    table: Table | None = None
    key: dict[str, str] = field(default_factory=dict)
    wide: bool = False

    @property
    def natural(self) -> int:
        """The width of the drawing in pixels: if it is shown smaller, so are its letters."""
        width = re.search(r' width="(\d+)', self.picture or "")
        return int(width[1]) if width else 0


class Sketch(NamedTuple):
    """A figure before it is drawn; it is left out if its chart is None."""

    name: str
    chart: Callable[[], Any]
    words: str  # for readers who cannot see the chart
    figure: Figure


def capacity_drawing(summary: Summary) -> str:
    """Draw what `capacity_svg` and `capacity_figure` show."""
    return bars.capacities(
        summary.cells, leaders(summary.cells, summary.slo), headline(summary.slo)
    )


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
    trials: Iterable[TrialRecord],
    slo: Slo,
    gallery: Gallery,
) -> Iterator[Figure]:
    """Draw the figures of one workload."""
    own = [trial for trial in trials if trial.workload == workload]
    for sketch in _sketches(results, own, slo):
        draw = partial(_drawn, sketch, workload, gallery.converter)
        figure = gallery.attempt(f"{sketch.figure.title!r} of {workload}", draw, sketch.figure)
        if figure is not None:
            yield figure


def _sketches(
    results: Sequence[CellResult], trials: Sequence[TrialRecord], slo: Slo
) -> Iterator[Sketch]:
    caption = f"Against the offered rate: {DOTS}; {RISING}."
    figure = Figure("Response time at p99", caption, None)
    words = _p99_words(results, trials)
    yield Sketch("p99", lambda: loads.p99(results, trials, slo), words, figure)
    capacities = bars.described(results)
    goodput = Figure("Goodput", GOODPUT, None)
    yield Sketch("goodput", lambda: loads.goodput(results, trials), capacities, goodput)
    if (spectra := spectrum.spectra(results, trials)) is not None:
        yield _spectrum(results, spectra)
    if spent := stages.spent(results, trials):
        yield _stages(results, spent)
    used = Figure("Resources used", USED, None)
    yield Sketch("used", lambda: resources.chart(results, trials), capacities, used)
    table = ceilings_table(results)
    figure = Figure("Limit, prediction, measurement", CEILINGS, None, table)
    yield Sketch("ceiling", lambda: bars.ceilings(results), table.as_text(), figure)


def _spectrum(results: Sequence[CellResult], spectra: spectrum.Spectra) -> Sketch:
    rate = rate_text(spectra.rate)
    caption = f"Models that held {rate} req/s, each in the nearest trial that it held."
    table = spectra_table(spectra)
    figure = Figure(f"All response times at {rate} req/s", caption, None, table)
    return Sketch("spectrum", lambda: spectrum.spectrum(results, spectra), table.as_text(), figure)


def _stages(results: Sequence[CellResult], spent: list[stages.Spent]) -> Sketch:
    table, looks = stages_table(spent), styles(results)
    figure = Figure("Where the time went at the break", STAGES, None, table, stages.key())
    return Sketch("stages", lambda: stages.chart(spent, looks), table.as_text(), figure)


def _drawn(sketch: Sketch, workload: str, converter: Converter) -> Figure | None:
    chart = sketch.chart()
    if chart is None:
        return None
    picture = chart if isinstance(chart, str) else drawn(chart, converter)
    name, figure = f"{sketch.name}-{workload}", sketch.figure
    return replace(figure, picture=inline(picture, name, figure.title, sketch.words))


def _p99_words(results: Sequence[CellResult], trials: Sequence[TrialRecord]) -> str:
    parts = []
    for cell in results:
        held = [trial for trial in trials if trial.cell == cell.cell and trial.valid and trial.held]
        best = max(held, key=lambda trial: (trial.rate, trial.duration_s), default=None)
        if best and best.work.p99_ms is not None:
            parts.append(f"{cell.row} {best.work.p99_ms:.0f} ms at {rate_text(best.rate)} req/s")
    return f"At the highest load that each held: {', '.join(parts)}." if parts else "No load held."
