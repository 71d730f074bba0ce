"""Where a command speaks: drawn on a terminal, in plain lines elsewhere; or one JSON document."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from loadtests.system.streams import put_out

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType


def console_for(*, json: bool = False) -> Console:
    """Speak on standard output, or on standard error where that is for the JSON document.

    Without a terminal that can be drawn on there are no control sequences, whatever FORCE_COLOR
    says: a log takes lines only. NO_COLOR leaves colours out.
    """
    file = sys.stderr if json else sys.stdout
    drawn = file.isatty() and os.environ.get("TERM") != "dumb"
    return Console(file=file, force_terminal=None if drawn else False)


def show(console: Console, what: RenderableType, folder: Path, document: str | None = None) -> None:
    """Show a finished run; or the content of its summary.json, alone on standard output."""
    if document is not None:
        console.print(f"Results: {folder}", soft_wrap=True, highlight=False, markup=False)
        put_out(document)
    else:
        console.print(what)
