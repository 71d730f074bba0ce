"""Sentences one below the other in the terminal, each with a sign before it."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text


def item(bullet: str, sentence: str, style: str = "") -> Table:
    """Indent all lines of a sentence alike; its marks of code are for Markdown."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(bullet, style=style), Text(sentence.replace("`", "")))
    return grid
