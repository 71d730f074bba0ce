"""A finished run in the terminal, or as an SVG picture of it for pages."""

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.text import Text

from loadtests.machine.environment import describe
from loadtests.report.console import item
from loadtests.report.summary import Summary
from loadtests.report.survival.matrix import capacities, grid
from loadtests.report.survival.sections import filled
from loadtests.report.wording import headline
from loadtests.slo import Slo

REPORT = "report.html"
WIDTH = 100
# Rich names a web font and its own site: a picture must look the same without a network.
ELSEWHERE = re.compile(r"@font-face \{.*?\}|<!--.*?-->", re.DOTALL)


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


def head(slo: Slo, mode: str, environment: Mapping[str, object]) -> RenderableType:
    title = f"[bold]{escape(headline(slo))}[/bold], {escape(mode)} run"
    return Group(Text.from_markup(title), Text(describe(environment), style="dim"))


def svg(summary: Summary) -> str:
    """Return `survival.svg`; it is the same for the same summary."""
    return drawn(final(summary), summary)


def drawn(report: RenderableType, summary: Summary) -> str:
    """Draw a part of a run's report as a terminal would."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=WIDTH,
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
    )
    console.print(report)
    title = f"loadbearing: {summary.slo}, {summary.mode} run"
    picture = ELSEWHERE.sub("", console.export_svg(title=title, unique_id="survival"))
    return picture.replace("Fira Code,", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono,")
