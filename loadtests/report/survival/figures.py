"""The figures of a report: each a chart, what it shows in words, and its data as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from loadtests.report.charts import bars, ceilings, loads, resources, spectrum, stages
from loadtests.report.charts.drawing import drawn, inline
from loadtests.report.charts.points import ENOUGH, styles
from loadtests.report.survival.tables import Table, ceilings_table, spectra_table, stages_table
from loadtests.slo import Slo
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from markupsafe import Markup

    from loadtests.report.charts.converter import Converter
    from loadtests.report.gallery import Gallery
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord

RISING = "lines are fits that assume no more than that things get worse as the load rises"
DOTS = "a dot is a trial, hollow where it was not held"
GOODPUT = (
    f"Right answers in time, per second, in trials of {ENOUGH} requests or more; bars are the "
    "intervals of the capacities."
)
STAGES = (
    "Mean stages of typical answers and of late ones, at the lowest rate that broke: the longest "
    "trial there."
)
USED = (
    "While the load rose from 0.6 to 1.7 times the capacity, whose place is marked; the figure is "
    "that of the highest load tried. Loop lag is drawn on a logarithmic axis, memory is PSS."
)
CEILINGS = (
    "Bar: what was measured. Stroke: what was predicted before the search. Double stroke: where "
    "arithmetic says that the named resource ends."
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on a page; without a table its data are in the table of all trials.

    `key` names colours that have no name in the chart. Without a picture it could not be drawn.
    """

    title: str
    caption: str
    picture: Markup | None
    table: Table | None = None
    key: dict[str, str] = field(default_factory=dict)
    wide: bool = False

    @property
    def natural(self) -> int:
        """How wide the chart was drawn, in pixels: where it is smaller, letters are too."""
        found = re.search(r' width="(\d+)', self.picture or "")
        return int(found[1]) if found else 0


class Sketch(NamedTuple):
    """A figure that is still to be drawn: there is none where its chart is None."""

    name: str
    chart: Callable[[], Any]
    told: str
    figure: Figure


def figures(
    workload: str,
    results: Sequence[CellResult],
    trials: Iterable[TrialRecord],
    slo: Slo,
    gallery: Gallery,
) -> Iterator[Figure]:
    """Draw what there is to see of one workload."""
    mine = [one for one in trials if one.workload == workload]
    for sketch in _sketches(results, mine, slo):
        draw = partial(_drawn, sketch, workload, gallery.converter)
        figure = gallery.attempt(f"{sketch.figure.title!r} of {workload}", draw, sketch.figure)
        if figure is not None:
            yield figure


def _sketches(
    results: Sequence[CellResult], mine: Sequence[TrialRecord], slo: Slo
) -> Iterator[Sketch]:
    caption = f"Against the offered rate: {DOTS}; {RISING}."
    figure = Figure("Response time at p99", caption, None)
    yield Sketch("p99", lambda: loads.p99(results, mine, slo), _told_p99(results, mine), figure)
    bears = bars.described(results)
    goodput = Figure("Goodput", GOODPUT, None)
    yield Sketch("goodput", lambda: loads.goodput(results, mine), bears, goodput)
    if (found := spectrum.spectra(results, mine)) is not None:
        yield _spectrum(results, found)
    if spent := stages.spent(results, mine):
        yield _stages(results, spent)
    used = Figure("What it used", USED, None)
    yield Sketch("used", lambda: resources.chart(results, mine), bears, used)
    table = ceilings_table(results)
    figure = Figure("Ceiling, prediction, measurement", CEILINGS, None, table)
    yield Sketch("ceiling", lambda: ceilings.ceilings(results), table.told(), figure)


def _spectrum(results: Sequence[CellResult], found: spectrum.Spectra) -> Sketch:
    rate = rate_text(found.rate)
    caption = f"{rate} req/s is what every survivor held; of each, the nearest trial that held."
    table = spectra_table(found)
    figure = Figure(f"All response times at {rate} req/s", caption, None, table)
    return Sketch("spectrum", lambda: spectrum.spectrum(results, found), table.told(), figure)


def _stages(results: Sequence[CellResult], spent: list[stages.Spent]) -> Sketch:
    table, looks = stages_table(spent), styles(results)
    figure = Figure("Where the time went at the break", STAGES, None, table, stages.key())
    return Sketch("stages", lambda: stages.chart(spent, looks), table.told(), figure)


def _drawn(sketch: Sketch, workload: str, converter: Converter) -> Figure | None:
    chart = sketch.chart()
    if chart is None:
        return None
    picture = chart if isinstance(chart, str) else drawn(chart, converter)
    name, figure = f"{sketch.name}-{workload}", sketch.figure
    return replace(figure, picture=inline(picture, name, figure.title, sketch.told))


def _told_p99(results: Sequence[CellResult], trials: Sequence[TrialRecord]) -> str:
    said = []
    for one in results:
        held = [each for each in trials if each.cell == one.cell and each.valid and each.held]
        best = max(held, key=lambda each: (each.rate, each.duration_s), default=None)
        if best and best.work.p99_ms is not None:
            said.append(f"{one.row} {best.work.p99_ms:.0f} ms at {rate_text(best.rate)} req/s")
    return (
        f"At the highest load that each held: {', '.join(said)}." if said else "Nothing was held."
    )
