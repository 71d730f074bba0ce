"""A finished run in the terminal, or as an SVG picture of it for pages."""

import io
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.text import Text

from loadtests.report.console import item
from loadtests.report.summary import Summary
from loadtests.report.survival.answers import Answers
from loadtests.report.survival.compact import Compact
from loadtests.report.survival.loads import load_notes
from loadtests.report.survival.matrix import capacities, grid
from loadtests.report.survival.sections import filled
from loadtests.report.survival.setting import setting
from loadtests.report.trust import trust
from loadtests.report.wording import headline
from loadtests.slo import Slo

REPORT = "report.html"
WIDTH = 100

# Rich names a web font and its own site: a picture must look the same without a network.
ELSEWHERE = re.compile(r"@font-face \{.*?\}|<!--.*?-->", re.DOTALL)


def final(summary: Summary, folder: Path | None = None, *, verbose: bool = False) -> RenderableType:
    """Draw a finished run, the answer last; `verbose` with everything that the report says."""
    measured = any(cell.measured for cell in summary.cells)
    if verbose:
        parts = [_head(summary), Text(), grid(capacities(summary))]
    else:
        title = f"{headline(summary.slo)}, {summary.mode} run"
        parts = [Text(title, style="bold"), Compact(grid(capacities(summary)))]
    for section, entries, notes in filled(summary):
        if verbose or not section.detail:
            parts += [Text(), Text(f"{section.title}: {section.caption}", style="dim"), Text()]
            parts += [grid(entries, section.corner)] if entries else []
            parts += items(notes)
    if summary.warnings and (verbose or not measured):
        parts += [Text(), *(item("!", warning, "yellow") for warning in summary.warnings)]
    if loads := list(load_notes(summary)):
        parts += [Text(), *items(loads)]
    lines = trust(summary, shlex.quote(str(folder))) if folder else trust(summary)
    parts += [Text()] if verbose else []
    parts.append(item("Trust:", "\n".join(lines)))
    parts += [Text(), *items(summary.sentences)] if verbose else [Answers(summary.verdicts)]
    return Group(*parts)


def outcome(summary: Summary) -> RenderableType:
    """Draw the matrix, and a sentence for each workload."""
    matrix = grid(capacities(summary))
    return Group(_head(summary), Text(), matrix, Text(), *items(summary.sentences))


def _head(summary: Summary) -> RenderableType:
    return head(summary.slo, summary.mode, setting(summary.environment))


def items(sentences: Iterable[str]) -> list[RenderableType]:
    return [item("•", sentence) for sentence in sentences]


def head(slo: Slo, mode: str, where: str) -> RenderableType:
    title = f"[bold]{escape(headline(slo))}[/bold], {escape(mode)} run"
    return Group(Text.from_markup(title), Text(where, style="dim"))


def svg(summary: Summary) -> str:
    """Return `survival.svg`; it is the same for the same summary."""
    return drawn(final(summary, verbose=True), summary)


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
