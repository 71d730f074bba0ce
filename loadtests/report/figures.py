"""The figures of a report: each a chart, what it shows in words, and its data as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loadtests.report.charts import bars, ceilings, loads, resources, spectrum, stages
from loadtests.report.charts.points import ENOUGH, styles
from loadtests.report.drawing import drawn, dressed, inline
from loadtests.report.tables import Table, spectra_table, stages_table
from loadtests.slo import Slo
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from markupsafe import Markup

    from loadtests.records import Cell, CellResult, TrialRecord
    from loadtests.summary import Summary

RISING = "lines are fits that assume no more than that things get worse as the load rises"
DOTS = "a dot is a trial, hollow where it was not held"


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on a page; without a table its data are in the table of all trials.

    `key` names colours that have no name in the chart.
    """

    title: str
    caption: str
    picture: Markup
    table: Table | None = None
    key: dict[str, str] = field(default_factory=dict)
    wide: bool = False


def hero(summary: Summary, best: Collection[Cell]) -> Figure:
    """Show the capacities of the whole run, and which are the best."""
    title = f"What each model bears within {summary.slo}, in requests per second"
    caption = "Each bar is the interval that holds the capacity, each axis logarithmic."
    picture = _picture(
        bars.capacities(summary.cells, best), "capacity", title, bars.told(summary.cells)
    )
    return Figure(title, caption, picture, wide=True)


def figures(
    workload: str, results: Sequence[CellResult], trials: Sequence[TrialRecord], slo: Slo
) -> Iterator[Figure]:
    """Draw what there is to see of one workload."""
    mine = [one for one in trials if one.workload == workload]
    said = bars.told(results)
    if (chart := loads.p99(results, mine, slo)) is not None:
        title = "Response time at p99"
        caption = f"Against the offered rate: {DOTS}; {RISING}."
        told = _told_p99(results, mine)
        yield Figure(title, caption, _picture(chart, f"p99-{workload}", title, told))
    if (chart := loads.goodput(results, mine)) is not None:
        title = "Goodput"
        caption = (
            f"Right answers in time, per second, in trials of {ENOUGH} requests or more. On the "
            "dotted line nothing is lost; bars are the intervals of the capacities."
        )
        yield Figure(title, caption, _picture(chart, f"goodput-{workload}", title, said))
    if (found := spectrum.spectra(results, mine)) is not None:
        yield _spectrum(workload, results, found)
    if spent := stages.spent(results, mine):
        yield _stages(workload, results, spent)
    if (chart := resources.chart(results, mine)) is not None:
        title = "What it used"
        caption = (
            "From 0.6 to 1.7 times the capacity, whose place is marked; the figure is that of the "
            "highest load tried."
        )
        yield Figure(title, caption, _picture(chart, f"used-{workload}", title, said))
    if (chart := ceilings.ceilings(results)) is not None:
        title = "Ceiling, prediction, measurement"
        caption = (
            "Bar: what was measured. Stroke: what was predicted before the search. Double stroke: "
            "where arithmetic says that the named resource ends."
        )
        yield Figure(
            title, caption, _picture(chart, f"ceiling-{workload}", title, _told_ceilings(results))
        )


def _spectrum(workload: str, results: Sequence[CellResult], found: spectrum.Spectra) -> Figure:
    rate = rate_text(found.rate)
    title = f"All response times at {rate} req/s"
    caption = f"{rate} req/s is what every survivor held; of each, the nearest trial that held."
    table = spectra_table(found)
    chart = spectrum.spectrum(results, found)
    return Figure(
        title, caption, _picture(chart, f"spectrum-{workload}", title, table.told()), table
    )


def _stages(workload: str, results: Sequence[CellResult], spent: list[stages.Spent]) -> Figure:
    title = "Where the time went at the break"
    caption = "Mean stages of typical answers and of late ones, at the lowest rate that broke."
    table = stages_table(spent)
    chart = stages.chart(spent, styles(one.cell for one in results))
    picture = _picture(chart, f"stages-{workload}", title, table.told())
    return Figure(title, caption, picture, table, stages.key())


def _picture(chart: Any, name: str, title: str, told: str) -> Markup:
    return inline(drawn(dressed(chart, padding=4)), name, title, told)


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


def _told_ceilings(results: Sequence[CellResult]) -> str:
    return " ".join(
        f"{one.row}: ceiling {rate_text(one.ceiling)}, predicted {rate_text(one.predicted or 0)}, "
        f"measured {rate_text(one.capacity or one.bears)} req/s."
        for one in results
        if one.measured and one.ceiling
    )
