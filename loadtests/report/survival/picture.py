"""A finished run in the terminal as an SVG picture, for pages."""

import io
import re

from rich.console import Console, RenderableType

from loadtests.report.summary import Summary
from loadtests.report.survival.terminal import final

WIDTH = 100
# Rich names a web font and its own site: a picture must look the same without a network.
ELSEWHERE = re.compile(r"@font-face \{.*?\}|<!--.*?-->", re.DOTALL)


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
