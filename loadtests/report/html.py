"""A run as one page that needs no network: what one studies, and sends to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loadtests.environment import describe
from loadtests.report.beyond import CORNER, STARVED, peaks_of, sentences, starved_of
from loadtests.report.beyond import TITLE as BEYOND
from loadtests.report.costs import TITLE as COSTS
from loadtests.report.costs import costs_of
from loadtests.report.drawing import rules
from loadtests.report.figures import Figure, figures
from loadtests.report.foresight import proofs
from loadtests.report.grids import Grid, depths, grid
from loadtests.report.hero import figure
from loadtests.report.matrix import entry_of
from loadtests.report.pages import render
from loadtests.report.tables import TRIAL_HEADS, UNITS, Tried, tried
from loadtests.slo import Slo
from loadtests.verdicts import leaders
from loadtests.wording import AT_LEAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loadtests.records import Cell, Run
    from loadtests.report.gallery import Gallery
    from loadtests.report.matrix import Entry
    from loadtests.summary import Summary


class Part(NamedTuple):
    """What the page shows of one workload."""

    workload: str
    figures: tuple[Figure, ...]
    tried: list[Tried]
    spectrum: bool


def html(run: Run, summary: Summary, capacities: str, gallery: Gallery) -> str:
    """Return the content of `report.html`; `capacities` is what `hero` drew, if it did."""
    best = leaders(summary.cells, summary.slo)
    entries = {cell.cell: entry_of(cell, best=cell.cell in best) for cell in summary.cells}
    matrix = grid(entries, "Survival matrix", "req/s", depths(summary.cells, best))
    return render(
        "report.html",
        summary=summary,
        plan=run.plan,
        rules=rules(),
        environment=describe(summary.environment),
        at_least=AT_LEAST if any(cell.unbounded for cell in summary.cells) else None,
        said=[said for verdict in summary.verdicts for said in verdict.said],
        matrix=matrix,
        hero=figure(capacities, summary) if any(cell.bears for cell in summary.cells) else None,
        parts=list(_parts(run, summary, gallery)),
        costs=_titled(costs_of(summary), COSTS),
        beyond=[
            one
            for one in (
                _titled(peaks_of(summary), BEYOND, CORNER),
                _titled(starved_of(summary), STARVED, "load"),
            )
            if one
        ],
        sentences=sentences(summary),
        proofs=list(proofs(summary)),
        heads=list(zip(TRIAL_HEADS, UNITS, strict=True)),
        discarded=sum(not trial.valid for trial in run.trials),
        trials=len(run.trials),
    )


def _parts(run: Run, summary: Summary, gallery: Gallery) -> Iterator[Part]:
    slo = Slo.parse(summary.slo)
    for workload in dict.fromkeys(cell.workload for cell in summary.cells):
        results = [cell for cell in summary.cells if cell.workload == workload]
        mine = [trial for trial in run.trials if trial.workload == workload]
        recorded = any(trial.work.spectrum_ms for trial in mine)
        drawn = tuple(figures(workload, results, mine, slo, gallery))
        yield Part(workload, drawn, tried(results, mine), recorded or not mine)


def _titled(entries: Mapping[Cell, Entry], title: str, corner: str = "model") -> Grid | None:
    return grid(entries, title, corner) if entries else None
