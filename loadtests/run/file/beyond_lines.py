"""Reads what trials beyond the peak have put into a run file."""

from __future__ import annotations

from loadtests.cell import Cell
from loadtests.run.file.lines import Beyond, Line, cell_of

NO_FIGURES = {"line", "at", "elapsed_s", "kind", *Cell._fields}


def with_line(before: Beyond, line: Line) -> Beyond:
    """Put a trial beyond the peak to the others of its cell, by its kind; the last one counts."""
    cell = cell_of(line)
    figures = {name: value for name, value in line.items() if name not in NO_FIGURES}
    return {**before, cell: {**before.get(cell, {}), line["kind"]: figures}}
