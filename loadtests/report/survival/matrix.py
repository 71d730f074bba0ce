"""The survival matrix, models by workloads, for the terminal and for a picture of it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from loadtests.report.colours import colour_of
from loadtests.report.wording import AT_LEAST, cause_short, interval_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import Console, ConsoleOptions, RenderableType

    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult

NAME_WIDTH = 16  # longer names are broken at a hyphen or a space where they do not fit
COLUMN_WIDTH = 14  # "/health late" and an indent: four workloads fit into 80 columns
GAP = 2
BEST = "★"
ABSENT = "—"
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one cell of the matrix shows: a figure, small print, and the reason for a footnote."""

    figure: str
    small: str = ""
    style: str = ""
    note: str | None = None
    best: bool = False


def entry_of(result: CellResult, *, best: bool = False) -> Entry:
    """Show a finished cell."""
    if result.unavailable:
        return Entry(ABSENT, style="dim", note=result.unavailable)
    if not result.measured:
        return Entry("no result", style="yellow", note=result.error or "no number was reported")
    small = cause_short(result)
    style, note = "bold" if best else "", result.lack or None
    return Entry(interval_text(result), small, style, note, best)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix as a renderable; workloads that do not fit side by side go below."""

    entries: Mapping[Cell, Entry]
    corner: str = "req/s"

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        workloads = list(dict.fromkeys(cell.workload for cell in self.entries))
        notes = list(dict.fromkeys(e.note for e in self.entries.values() if e.note is not None))
        width = max((cell_len(cell.row) for cell in self.entries), default=0)
        if width + len(workloads) * (COLUMN_WIDTH + GAP) > options.max_width:
            width = NAME_WIDTH
        fit = max(1, (options.max_width - width) // (COLUMN_WIDTH + GAP))
        for start in range(0, len(workloads), fit):
            if start:
                yield Text()
            yield self._table(workloads[start : start + fit], notes, width)
        for line in [*self._legend(), *(f"{_mark(notes, note)} {note}" for note in notes)]:
            yield Text(line, style="dim")

    def _legend(self) -> Iterator[str]:
        if any(entry.best for entry in self.entries.values()):
            yield f"{BEST} best, or not to be told from it"
        if any(entry.figure.startswith("≥") for entry in self.entries.values()):
            yield f"≥ {AT_LEAST}"

    def _table(self, workloads: list[str], notes: list[str], width: int) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        table.add_column(self.corner, no_wrap=True)
        for workload in workloads:
            name = "\n".join(textwrap.wrap(workload, COLUMN_WIDTH))
            table.add_column(name, min_width=COLUMN_WIDTH, overflow="fold")
        for one in {cell.row: cell for cell in self.entries}.values():
            row = (self.entries.get(one._replace(workload=workload)) for workload in workloads)
            table.add_row(_name(one, width), *(_shown(entry, notes) for entry in row))
        return table


def _name(cell: Cell, width: int) -> Text:
    whole = cell.row.replace("· ", "·\N{NO-BREAK SPACE}")  # a Python stays behind its dot
    lines = textwrap.wrap(whole, width)
    return Text("\n".join(lines).replace("\N{NO-BREAK SPACE}", " "), style=colour_of(cell.model))


def _shown(entry: Entry | None, notes: list[str]) -> RenderableType:
    if entry is None:
        return ""
    mark = f" {_mark(notes, entry.note)}" if entry.note is not None else ""
    figure = Text(f"{BEST if entry.best else ' '} {entry.figure}{mark}", style=entry.style)
    small = textwrap.indent(entry.small, "  ")
    return Group(figure, Text(small, style="dim")) if entry.small else figure


def _mark(notes: Iterable[str], note: str) -> str:
    return str(list(notes).index(note) + 1).translate(SUPERSCRIPT)
