"""The survival matrix, models by workloads, for the terminal and for a picture of it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from loadtests.records import Cell
from loadtests.report.colours import colour_of
from loadtests.wording import cause_short, interval_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import Console, ConsoleOptions, RenderableType

    from loadtests.records import CellResult

NAME_WIDTH = 16  # longer model names are broken at a hyphen
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
    small = cause_short(result.broke_by)
    return Entry(interval_text(result), small, "bold" if best else "", best=best)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix as a renderable; workloads that do not fit side by side go below."""

    entries: Mapping[Cell, Entry]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        workloads = list(dict.fromkeys(cell.workload for cell in self.entries))
        notes = list(dict.fromkeys(e.note for e in self.entries.values() if e.note is not None))
        fit = max(1, (options.max_width - NAME_WIDTH) // (COLUMN_WIDTH + GAP))
        for start in range(0, len(workloads), fit):
            if start:
                yield Text()
            yield self._table(workloads[start : start + fit], notes)
        legend = [f"{BEST} best, or not to be told from it"] if self._has_best() else []
        for line in [*legend, *(f"{_mark(notes, note)} {note}" for note in notes)]:
            yield Text(line, style="dim")

    def _has_best(self) -> bool:
        return any(entry.best for entry in self.entries.values())

    def _table(self, workloads: list[str], notes: list[str]) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        table.add_column("req/s", no_wrap=True)
        for workload in workloads:
            table.add_column(workload, min_width=COLUMN_WIDTH, overflow="fold")
        for model in dict.fromkeys(cell.model for cell in self.entries):
            row = (self.entries.get(Cell(workload, model)) for workload in workloads)
            table.add_row(_name(model), *(_shown(entry, notes) for entry in row))
        return table


def _name(model: str) -> Text:
    return Text("\n".join(textwrap.wrap(model, NAME_WIDTH)), style=colour_of(model))


def _shown(entry: Entry | None, notes: list[str]) -> RenderableType:
    if entry is None:
        return ""
    mark = f" {_mark(notes, entry.note)}" if entry.note is not None else ""
    figure = Text(f"{BEST if entry.best else ' '} {entry.figure}{mark}", style=entry.style)
    return Group(figure, Text(f"  {entry.small}", style="dim")) if entry.small else figure


def _mark(notes: Iterable[str], note: str) -> str:
    return str(list(notes).index(note) + 1).translate(SUPERSCRIPT)
