"""A finished run in the terminal: the matrix, a sentence for each workload, and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.text import Text

from loadtests.machine.environment import describe
from loadtests.report.console import item
from loadtests.report.survival.beyond import CORNER, STARVED, peaks_of, sentences, starved_of
from loadtests.report.survival.beyond import TITLE as BEYOND
from loadtests.report.survival.costs import TITLE, costs_of
from loadtests.report.survival.foresight import TITLE as FORESIGHT
from loadtests.report.survival.foresight import foresight_of, proofs
from loadtests.report.survival.matrix import Matrix, entry_of
from loadtests.report.verdicts import leaders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import RenderableType

    from loadtests.report.summary import Summary


REPORT = "report.html"


def final(summary: Summary, folder: Path | None = None) -> RenderableType:
    """Draw a finished run: the matrix, a sentence for each workload, warnings, the folder."""
    parts: list[RenderableType] = [
        head(summary.slo, summary.mode, summary.environment),
        Text(),
        matrix_of(summary),
        Text(),
        *said(summary),
    ]
    if costs := costs_of(summary):
        parts += [Text(), Text(TITLE, style="dim"), Text(), Matrix(costs, corner="cost")]
    for title, entries, corner in (
        (FORESIGHT, foresight_of(summary), "ceiling"),
        (BEYOND, peaks_of(summary), CORNER),
        (STARVED, starved_of(summary), "p99 in ms"),
    ):
        if entries:
            parts += [Text(), Text(title, style="dim"), Text(), Matrix(entries, corner=corner)]
    if more := (*sentences(summary), *proofs(summary)):
        parts += [Text(), *(item("•", sentence) for sentence in more)]
    if summary.warnings:
        parts += [Text(), *(item("!", warning, "yellow") for warning in summary.warnings)]
    if folder is not None:
        parts += [Text(), Text(f"Results: {folder}", overflow="fold")]
    return Group(*parts)


def said(summary: Summary) -> list[RenderableType]:
    """Say what follows for each workload."""
    return [item("•", one) for verdict in summary.verdicts for one in verdict.said]


def matrix_of(summary: Summary) -> Matrix:
    best = leaders(summary.cells, summary.slo)
    return Matrix({cell.cell: entry_of(cell, best=cell.cell in best) for cell in summary.cells})


def head(slo: str, mode: str, environment: Mapping[str, object]) -> RenderableType:
    title = f"[bold]Requests per second borne within {escape(slo)}[/bold] ({escape(mode)} run)"
    return Group(Text.from_markup(title), Text(describe(environment), style="dim"))


def duration(seconds: float) -> str:
    """Return a time as people say it, such as "40 s" or "6 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
