"""A run as one page that needs no network: what one studies, and sends to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loadtests.machine.environment import describe
from loadtests.report.charts.drawing import rules
from loadtests.report.pages import render
from loadtests.report.survival.beyond import CORNER, STARVED, peaks_of, sentences, starved_of
from loadtests.report.survival.beyond import TITLE as BEYOND
from loadtests.report.survival.capacity_chart import figure
from loadtests.report.survival.costs import TITLE as COSTS
from loadtests.report.survival.costs import costs_of
from loadtests.report.survival.figures import Figure, figures
from loadtests.report.survival.foresight import proofs
from loadtests.report.survival.grids import Grid, depths, grid
from loadtests.report.survival.matrix import entry_of
from loadtests.report.survival.tables import TRIAL_HEADS, UNITS, TrialTable, tried
from loadtests.report.verdicts import leaders
from loadtests.report.wording import AT_LEAST
from loadtests.slo import Slo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loadtests.cell import Cell
    from loadtests.report.gallery import Gallery
    from loadtests.report.summary import Summary
    from loadtests.report.survival.matrix import Entry
    from loadtests.run.file.lines import Run


class Part(NamedTuple):
    """What the page shows of one workload."""

    workload: str
    figures: tuple[Figure, ...]
    tried: list[TrialTable]
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
