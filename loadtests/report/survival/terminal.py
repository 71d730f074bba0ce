"""A finished run in the terminal: the matrix, a sentence for each workload, and its files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from loadtests.machine.environment import describe
from loadtests.report.console import item
from loadtests.report.summary import Summary
from loadtests.report.survival.matrix import capacities, grid
from loadtests.report.survival.sections import filled
from loadtests.report.wording import headline

REPORT = "report.html"


def final(summary: Summary, folder: Path | None = None) -> RenderableType:
    """Draw a finished run: the outcome, the sections, warnings and the folder."""
    parts = [outcome(summary)]
    for section, entries, notes in filled(summary):
        parts += [Text(), Text(f"{section.title}: {section.caption}", style="dim"), Text()]
        parts += [grid(entries, section.corner)] if entries else []
        parts += items(notes)
    if summary.warnings:
        parts += [Text(), *(item("!", warning, "yellow") for warning in summary.warnings)]
    if folder is not None:
        parts += [Text(), Text(f"Results: {folder}", overflow="fold")]
    return Group(*parts)


def outcome(summary: Summary) -> RenderableType:
    """Draw the matrix, and a sentence for each workload."""
    top = head(summary.slo, summary.mode, summary.environment)
    matrix = grid(capacities(summary))
    return Group(top, Text(), matrix, Text(), *items(summary.sentences))


def items(sentences: Iterable[str]) -> list[RenderableType]:
    return [item("•", sentence) for sentence in sentences]


def head(slo: str, mode: str, environment: Mapping[str, object]) -> RenderableType:
    title = f"[bold]{escape(headline(slo))}[/bold], {escape(mode)} run"
    return Group(Text.from_markup(title), Text(describe(environment), style="dim"))
