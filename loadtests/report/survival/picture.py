"""A finished run in the terminal as an SVG picture, for pages."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from loadtests.report.survival.terminal import final

if TYPE_CHECKING:
    from rich.console import RenderableType

    from loadtests.report.summary import Summary

WIDTH = 100
# Rich refers to a web font and its own site, but a picture must look the same offline.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}|<!--.*?-->", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
FORMAT = FORMAT.replace("Fira Code,", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono,")


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
    return console.export_svg(title=title, code_format=FORMAT, unique_id="survival")
