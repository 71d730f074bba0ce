"""The figures of a report: each a chart, what it shows in words, and its data as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loadtests.report.charts import bars, ceilings, loads, resources, spectrum, stages
from loadtests.report.charts.points import ENOUGH, styles
from loadtests.report.drawing import drawn, dressed, inline
from loadtests.report.tables import Table, ceilings_table, spectra_table, stages_table
from loadtests.slo import Slo
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markupsafe import Markup

    from loadtests.records import CellResult, TrialRecord

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

    `key` names colours that have no name in the chart.
    """

    title: str
    caption: str
    picture: Markup
    table: Table | None = None
    key: dict[str, str] = field(default_factory=dict)
    wide: bool = False

    @property
    def natural(self) -> int:
        """How wide the chart was drawn, in pixels: where it is smaller, letters are too."""
        found = re.search(r' width="(\d+)', self.picture)
        return int(found[1]) if found else 0


def figures(
    workload: str, results: Sequence[CellResult], trials: Iterable[TrialRecord], slo: Slo
) -> Iterator[Figure]:
    """Draw what there is to see of one workload."""
    mine = [one for one in trials if one.workload == workload]
    if (chart := loads.p99(results, mine, slo)) is not None:
        title, caption = "Response time at p99", f"Against the offered rate: {DOTS}; {RISING}."
        told = _told_p99(results, mine)
        yield Figure(title, caption, _picture(chart, f"p99-{workload}", title, told))
    if (chart := loads.goodput(results, mine)) is not None:
        title, told = "Goodput", bars.told(results)
        yield Figure(title, GOODPUT, _picture(chart, f"goodput-{workload}", title, told))
    if (found := spectrum.spectra(results, mine)) is not None:
        yield _spectrum(workload, results, found)
    if spent := stages.spent(results, mine):
        yield _stages(workload, results, spent)
    if (chart := resources.chart(results, mine)) is not None:
        title, told = "What it used", bars.told(results)
        yield Figure(title, USED, _picture(chart, f"used-{workload}", title, told))
    if (chart := ceilings.ceilings(results)) is not None:
        title, table = "Ceiling, prediction, measurement", ceilings_table(results)
        picture = _picture(chart, f"ceiling-{workload}", title, table.told())
        yield Figure(title, CEILINGS, picture, table)


def _spectrum(workload: str, results: Sequence[CellResult], found: spectrum.Spectra) -> Figure:
    rate = rate_text(found.rate)
    title = f"All response times at {rate} req/s"
    caption = f"{rate} req/s is what every survivor held; of each, the nearest trial that held."
    table = spectra_table(found)
    chart = spectrum.spectrum(results, found)
    picture = _picture(chart, f"spectrum-{workload}", title, table.told())
    return Figure(title, caption, picture, table)


def _stages(workload: str, results: Sequence[CellResult], spent: list[stages.Spent]) -> Figure:
    title = "Where the time went at the break"
    table = stages_table(spent)
    chart = stages.chart(spent, styles(one.cell for one in results))
    picture = _picture(chart, f"stages-{workload}", title, table.told())
    return Figure(title, STAGES, picture, table, stages.key())


def _picture(chart: Any, name: str, title: str, told: str) -> Markup:
    # Names at the right may be wider in the font of a reader than in that of the one who draws.
    padding = {"left": 4, "top": 4, "right": 16, "bottom": 4}
    return inline(drawn(dressed(chart, padding=padding)), name, title, told)


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
