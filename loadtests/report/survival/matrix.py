"""Tables of rows by workloads: arranged once, for the terminal, Markdown and the page."""

import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.cell import Cell
from loadtests.report.colours import colour_of
from loadtests.report.summary import Summary
from loadtests.report.verdicts import leaders
from loadtests.report.wording import (
    AT_LEAST,
    UNFINISHED,
    cause_short,
    interval_text,
    predicted_text,
)
from loadtests.run.file.cells import CellResult

NAME_WIDTH = 16  # longer names are broken at a hyphen or a space where they do not fit
COLUMN_WIDTH = 14  # "/health late" and an indent: four workloads fit into 80 columns
GAP = 2
BEST, TIED = "★", "="
ABSENT = "—"
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one cell of a table shows: a figure, small print, and the reason for a footnote.

    `best` is the row to use, and `tied` each that is statistically tied with it. `depth` is its
    shade on a page: 0 for none, and 1 for the highest of its column and whatever is tied with it.
    `number`, of the footnote, is known once the table is arranged.
    """

    figure: str
    small: str = ""
    style: str = ""
    note: str | None = None
    best: bool = False
    tied: bool = False
    depth: float = 0.0
    number: int | None = None

    @property
    def mark(self) -> str:
        """What stands before the figure, if anything."""
        return BEST if self.best else TIED if self.tied else ""


class Line(NamedTuple):
    """One row of a table; the model gives it its colour."""

    row: str
    model: str
    entries: tuple[Entry | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A whole table: a line for each row, a column for each workload, footnotes by number.

    A row without any figure is a sentence in `folded` instead. In the terminal, workloads that do
    not fit side by side go below.
    """

    corner: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    legend: tuple[str, ...]
    folded: tuple[str, ...] = ()

    @property
    def footnotes(self) -> list[str]:
        return [f"{superscript(number)} {note}" for number, note in enumerate(self.notes, start=1)]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        width = max((cell_len(line.row) for line in self.lines), default=0)
        if width + len(self.columns) * (COLUMN_WIDTH + GAP) > options.max_width:
            width = NAME_WIDTH
        fit = max(1, (options.max_width - width) // (COLUMN_WIDTH + GAP))
        for start in range(0, len(self.columns), fit):
            if start:
                yield Text()
            yield self._table(slice(start, start + fit), width)
        for text in packed((*self.legend, *self.footnotes, *self.folded), options.max_width):
            yield Text(text, style="dim")

    def _table(self, part: slice, width: int) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        table.add_column(self.corner, no_wrap=True)
        for workload in self.columns[part]:
            name = "\n".join(textwrap.wrap(workload, COLUMN_WIDTH))
            table.add_column(Text(name), min_width=COLUMN_WIDTH, overflow="fold")
        for line in self.lines:
            table.add_row(_name(line, width), *map(_shown, line.entries[part]))
        return table


def entry_of(result: CellResult, *, best: bool = False) -> Entry:
    if result.unavailable:
        return Entry(ABSENT, style="dim", note=result.unavailable)
    if not result.measured:
        note = result.error or "no number was reported"
        return Entry(UNFINISHED, predicted_text(result), "yellow", note)
    style = "bold" if best else ""
    return Entry(interval_text(result), cause_short(result), style, best=best)


def capacities(summary: Summary) -> dict[Cell, Entry]:
    """Show the capacity of each cell; the warnings say why a cell has no result."""
    best = leaders(summary.cells, summary.standings)
    picks = {(verdict.workload, verdict.pick) for verdict in summary.verdicts}
    shades = depths(summary.cells, best)
    entries = {}
    for result in summary.cells:
        leads, pick = result.cell in best, (result.workload, result.row) in picks
        entry = entry_of(result, best=leads and pick)
        depth = shades.get(result.cell, 0.0)
        tied = leads and not pick
        entries[result.cell] = replace(entry, note=result.unavailable, depth=depth, tied=tied)
    return entries


def depths(results: Iterable[CellResult], best: Collection[Cell]) -> dict[Cell, float]:
    """Shade each cell by its share of the highest in its column; all that are best look alike."""
    columns: dict[str, list[CellResult]] = {}
    for result in results:
        if result.sustained:
            columns.setdefault(result.workload, []).append(result)
    most = {name: max(cell.capacity or 0 for cell in column) for name, column in columns.items()}
    return {
        cell.cell: 1.0 if cell.cell in best else round((cell.capacity or 0) / most[name], 2)
        for name, column in columns.items()
        for cell in column
    }


def grid(entries: Mapping[Cell, Entry], corner: str = "req/s") -> Grid:
    """Arrange entries: rows and workloads in the order in which they come."""
    rows: dict[str, dict[Cell, Entry]] = {}
    for cell, entry in entries.items():
        rows.setdefault(cell.row, {})[cell] = entry
    empty = {
        row: list(dict.fromkeys(entry.note for entry in mine.values() if entry.note))
        for row, mine in rows.items()
        if all(entry.figure == ABSENT and not entry.small for entry in mine.values())
    }
    shown = {cell: entry for cell, entry in entries.items() if cell.row not in empty}
    columns = tuple(dict.fromkeys(cell.workload for cell in entries))
    notes = tuple(dict.fromkeys(entry.note for entry in shown.values() if entry.note))
    numbered = {
        cell: replace(entry, number=notes.index(entry.note) + 1) if entry.note else entry
        for cell, entry in shown.items()
    }
    lines = tuple(
        Line(cell.row, cell.model, tuple(numbered.get(cell._replace(workload=w)) for w in columns))
        for cell in {cell.row: cell for cell in shown}.values()
    )
    folded = tuple(f"{row}: {'; '.join(reasons)}" for row, reasons in empty.items() if reasons)
    return Grid(corner, columns, lines, notes, tuple(_legend(shown.values())), folded)


def _legend(entries: Collection[Entry]) -> Iterator[str]:
    if any(entry.best for entry in entries):
        yield f"{BEST} use this"
    if any(entry.tied for entry in entries):
        yield f"{TIED} statistically tied with it"
    if any(entry.figure.startswith("≥") for entry in entries):
        yield f"≥ {AT_LEAST}"


def packed(texts: Iterable[str], width: int) -> Iterator[str]:
    """Put as many texts on a line as fit beside each other."""
    line = ""
    for text in texts:
        if line and cell_len(f"{line}   {text}") > width:
            yield line
            line = ""
        line = f"{line}   {text}" if line else text
    if line:
        yield line


def _name(line: Line, width: int) -> Text:
    whole = line.row.replace("· ", "·\N{NO-BREAK SPACE}")  # a Python stays behind its dot
    lines = textwrap.wrap(whole, width)
    return Text("\n".join(lines).replace("\N{NO-BREAK SPACE}", " "), style=colour_of(line.model))


def _shown(entry: Entry | None) -> RenderableType:
    if entry is None:
        return ""
    mark = f" {superscript(entry.number)}" if entry.number else ""
    figure = Text(f"{entry.mark or ' '} {entry.figure}{mark}", style=entry.style)
    small = textwrap.indent(entry.small, "  ")
    return Group(figure, Text(small, style="dim")) if entry.small else figure


def superscript(number: int) -> str:
    return str(number).translate(SUPERSCRIPT)
