"""A run as one page that needs no network: to study, and to send to others."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from loadtests.machine.environment import describe
from loadtests.report.charts.drawing import rules
from loadtests.report.gallery import Gallery
from loadtests.report.pages import render
from loadtests.report.summary import Summary
from loadtests.report.survival.figures import Figure, capacity_figure, figures
from loadtests.report.survival.matrix import capacities, grid
from loadtests.report.survival.sections import filled
from loadtests.report.survival.tables import TRIAL_HEADS, UNITS, TrialTable, trial_tables
from loadtests.report.wording import headline
from loadtests.run.file.lines import Run, TrialRecord


class Part(NamedTuple):
    workload: str
    figures: tuple[Figure, ...]
    tables: list[TrialTable]
    spectrum: bool


def html(run: Run, summary: Summary, capacity_chart: str, gallery: Gallery) -> str:
    """Return the content of `report.html`; `capacity_chart` is empty if it could not be drawn."""
    trials = [trial for trial in run.trials if not trial.again]  # of the cells alone
    sustained = any(cell.sustained for cell in summary.cells)
    return render(
        "report.html",
        summary=summary,
        headline=headline(summary.slo),
        rules=rules(),
        environment=describe(summary.environment),
        matrix=grid(capacities(summary)),
        hero=capacity_figure(capacity_chart, summary) if sustained else None,
        parts=list(_parts(trials, summary, gallery)),
        sections=[
            (section, grid(entries, section.corner) if entries else None, notes)
            for section, entries, notes in filled(summary)
        ],
        heads=list(zip(TRIAL_HEADS, UNITS, strict=True)),
        void=sum(not trial.valid for trial in trials),
        trials=len(trials),
    )


def _parts(trials: Sequence[TrialRecord], summary: Summary, gallery: Gallery) -> Iterator[Part]:
    for workload in dict.fromkeys(cell.workload for cell in summary.cells):
        results = [cell for cell in summary.cells if cell.workload == workload]
        own = [trial for trial in trials if trial.workload == workload]
        recorded = any(trial.work.spectrum_ms for trial in own)
        drawn = tuple(figures(workload, results, own, summary.slo, gallery))
        yield Part(workload, drawn, trial_tables(results, own), recorded or not own)
