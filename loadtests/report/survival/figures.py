"""The figures of a report: each a chart, its caption, and its data as a table."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from loadtests.report import sizes
from loadtests.report.charts import bars, curves, lanes, stages, surges
from loadtests.report.charts.drawing import inline, standalone
from loadtests.report.charts.points import styles
from loadtests.report.gallery import Gallery
from loadtests.report.summary import Summary
from loadtests.report.survival.matrix import capacities
from loadtests.report.survival.surge import lanes_of, surge_notes, surge_table
from loadtests.report.survival.tables import Table, stages_table
from loadtests.report.wording import headline
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.run.sizes import Series
from loadtests.wording import rate_text

TRIALS = (
    "Response time at p99 against the offered rate, each row in its own lane: a dot is a trial, "
    "hollow if it failed, and on the upper edge if over 1 % of its requests were lost. Line: the "
    "objective. Band in the colour of the row: its capacity (95 % interval); a short trial may "
    "pass above it. Grey band: the "
    "estimate from calibration, before any trial."
)
SIZES = (
    "What each size sustains (95 % interval), and the curve of the Universal Scalability Law that "
    "fits best."
)
STAGES = (
    "Mean stages of typical and of late answers, in the failed trials just above what was "
    "sustained; only typical ones where none was late."
)
SURGE = (
    "What became of the requests under each admission policy, stacked, as multiples of the "
    "capacity; what share of it was answered in time during the surge, and when the objective was "
    "met again."
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
    chart: Callable[[], str | None]
    figure: Figure
    words: str = ""


def capacity_svg(summary: Summary) -> str:
    """Return `capacity.svg`, which follows the colours of the page that shows it."""
    title = headline(summary.slo)
    marks = {cell: entry.mark for cell, entry in capacities(summary).items()}
    drawing = bars.capacities(summary.cells, marks, title)
    return standalone(drawing, title, bars.described(summary.cells))


def surge_svg(summary: Summary) -> str:
    """Return `surge.svg`, for a run that has measured surges."""
    title = f"A surge under each admission policy, within {summary.slo}"
    return standalone(surges.chart(lanes_of(summary)), title, " ".join(surge_notes(summary)))


def figures(
    workload: str,
    results: Sequence[CellResult],
    trials: Sequence[TrialRecord],
    summary: Summary,
    gallery: Gallery,
) -> Iterator[Figure]:
    for sketch in _sketches(results, trials, summary):
        draw = partial(_drawn, sketch, workload)
        figure = gallery.attempt(f"{sketch.figure.title!r} of {workload}", draw, sketch.figure)
        if figure is not None:
            yield figure


def _sketches(
    results: Sequence[CellResult], trials: Sequence[TrialRecord], summary: Summary
) -> Iterator[Sketch]:
    slo, looks = summary.slo, styles(results)
    for option, series in _by_option(sizes.curves(results, summary.variations)).items():
        laws = [f"{s.model}: {sizes.law_text(law)}" for s in series if (law := sizes.law(s))]
        caption = SIZES + (f" {'; '.join(laws)}." if laws else "")
        sized = Figure(f"Capacity by {option}", caption)
        words = curves.described(series)
        yield Sketch(f"sizes-{option}", partial(curves.chart, series, looks), sized, words)
    figure = Figure("Every trial by its load", TRIALS)
    words = _p99_words(results, trials)
    yield Sketch("lanes", partial(lanes.chart, results, trials, slo), figure, words)
    if spent := stages.spent(results, trials):
        table, key = stages_table(spent), stages.key()
        went = Figure("Where the time went above the capacity", STAGES, table=table, key=key)
        yield Sketch("stages", partial(stages.chart, spent, looks), went)
    cells = {result.cell for result in results}
    if surged := [lane for lane in lanes_of(summary) if lane.cell in cells]:
        drawn = Figure("Through a surge", SURGE, table=surge_table(surged))
        yield Sketch("surge", partial(surges.chart, surged), drawn)


def _by_option(series: Iterable[Series]) -> dict[str, list[Series]]:
    groups: dict[str, list[Series]] = {}
    for known in series:
        groups.setdefault(known.option, []).append(known)
    return groups


def _drawn(sketch: Sketch, workload: str) -> Figure | None:
    picture, figure = sketch.chart(), sketch.figure
    if picture is None:
        return None
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
