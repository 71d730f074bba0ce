"""A run as one page that needs no network: to study, and to send to others."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from loadtests.report.charts.drawing import rules
from loadtests.report.flame import flame
from loadtests.report.gallery import Gallery
from loadtests.report.pages import render
from loadtests.report.summary import Summary, parameters_text
from loadtests.report.survival.cards import about, cards, causes_table
from loadtests.report.survival.figures import Figure, figures
from loadtests.report.survival.loads import load_table
from loadtests.report.survival.matrix import capacities, grid
from loadtests.report.survival.sections import filled
from loadtests.report.survival.setting import setting
from loadtests.report.survival.tables import (
    TRIAL_HEADS,
    UNITS,
    Table,
    TrialTable,
    times_table,
    trial_tables,
)
from loadtests.report.trust import trust
from loadtests.report.wording import headline
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Plan, Run, TrialRecord
from loadtests.wording import listing


class Part(NamedTuple):
    """What explains the figures of one workload."""

    workload: str
    about: str
    causes: Table | None
    times: Table | None
    figures: tuple[Figure, ...]
    flames: tuple[tuple[CellResult, Markup], ...]
    tables: list[TrialTable]


def html(run: Run, summary: Summary, gallery: Gallery) -> str:
    """Return the content of `report.html`."""
    trials = [trial for trial in run.trials if not trial.again]  # of the cells alone
    parts = list(_parts(run, trials, summary, gallery))
    sections = [
        (section, grid(entries, section.corner) if entries else None, notes)
        for section, entries, notes in filled(summary)
    ]
    loads = load_table(summary.cells, float(run.plan.arguments.get("load") or 0), run.loads)
    contents = {
        "answers": "Answers",
        **({"at-load": "At your load"} if loads.rows else {}),
        "trust": "Trust",
        "matrix": "Matrix",
        "why": "Why",
        **{section.anchor: section.title for section, _, _ in sections},
        "trials": "Every trial",
        "method": "How it was measured",
        "glossary": "Glossary",
    }
    return render(
        "report.html",
        title=title(run.plan),
        summary=summary,
        headline=headline(summary.slo),
        setting=setting(summary.environment),
        rules=rules(),
        contents=contents.items(),
        cards=list(cards(summary, run.plan.workloads)),
        loads=loads,
        trust=trust(summary),
        matrix=grid(capacities(summary)),
        parts=parts,
        sections=sections,
        heads=list(zip(TRIAL_HEADS, UNITS, strict=True)),
        void=sum(not trial.valid for trial in trials),
        trials=len(trials),
    )


def title(plan: Plan) -> str:
    """Say what the report answers: for models of our server, or for services of the user."""
    names = [
        text.partition("=")[0] for key in ("start", "url") for text in plan.arguments.get(key) or ()
    ]
    return (
        f"What {listing(names)} {'sustains' if len(names) == 1 else 'sustain'}"
        if names
        else "Which concurrency model to use"
    )


def _parts(
    run: Run, trials: Sequence[TrialRecord], summary: Summary, gallery: Gallery
) -> Iterator[Part]:
    for workload in dict.fromkeys(cell.workload for cell in summary.cells):
        results = [cell for cell in summary.cells if cell.workload == workload]
        own = [trial for trial in trials if trial.workload == workload]
        known, given = run.plan.workloads.get(workload, {}), parameters_text(run.plan, workload)
        drawn = tuple(figures(workload, results, own, summary, gallery))
        yield Part(
            workload,
            about(known, given),
            causes_table(results),
            times_table(results, run.loads),
            drawn,
            tuple(_flames(results, summary)),
            trial_tables(results, own),
        )


def _flames(results: Iterable[CellResult], summary: Summary) -> Iterator[tuple[CellResult, Markup]]:
    """Draw what the autopsies saw."""
    for cell in results:
        if (stacks := summary.stacks.get(cell.cell)) and (drawn := flame(stacks, cell)):
            yield cell, drawn
