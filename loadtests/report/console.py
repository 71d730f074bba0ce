"""Where a command prints: drawn on a terminal, plain lines elsewhere, or one JSON document."""

import os
import sys
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.system.streams import put_out


def console_for(*, json: bool = False) -> Console:
    """Print on standard output, or on standard error if that is reserved for a JSON document.

    Control sequences are used only on a terminal that supports them, even with FORCE_COLOR,
    because a log holds plain lines. NO_COLOR removes the colours.
    """
    file = sys.stderr if json else sys.stdout
    terminal = file.isatty() and os.environ.get("TERM") != "dumb"
    return Console(file=file, force_terminal=None if terminal else False)


def show(
    console: Console, report: RenderableType, folder: Path, document: str | None = None
) -> None:
    """Print the report of a finished run, or only its `document` on standard output."""
    if document is not None:
        console.print(f"Results: {folder}", soft_wrap=True, highlight=False, markup=False)
        put_out(document)
    else:
        console.print(report)


def item(bullet: str, sentence: str, style: str = "") -> Table:
    """Indent all lines of a sentence behind its bullet; backticks are for Markdown only."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(bullet, style=style), Text(sentence.replace("`", "")))
    return grid
