"""A matrix of one line a row, for the end of a run: figures only, and their marks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.report.colours import colour_of
from loadtests.report.survival.matrix import Entry, Grid, packed, superscript
from loadtests.report.wording import UNFINISHED

GAP = "  "
SHORT = {
    "=": "= ties with it",
    "≥": "≥ at least (the load generator's limit)",
}  # the legend in fewer words
OPEN = "? unfinished (≈ estimate)"


@dataclass(frozen=True, slots=True)
class Compact:
    """A table without its small print; workloads that do not fit side by side go below."""

    grid: Grid

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        grid, width = self.grid, options.max_width
        name = max(map(cell_len, (grid.corner, *(line.row for line in grid.lines))))
        columns = list(range(len(grid.columns)))
        while columns:
            fit, used = 0, name
            for column in columns:
                used += len(GAP) + self._width(column)
                fit += not fit or used <= width
            part, columns = columns[:fit], columns[fit:]
            yield self._table(part)
        texts = [SHORT.get(text[0], text) for text in grid.legend]
        if any(entry and entry.figure == UNFINISHED for line in grid.lines for entry in line[2]):
            texts.append(OPEN)
        for text in packed((*texts, *grid.footnotes, *grid.folded), width):
            yield Text(text, style="dim")

    def _table(self, columns: Iterable[int]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="dim")
        table.add_column(self.grid.corner, no_wrap=True)
        for column in columns:
            table.add_column(Text(GAP + self.grid.columns[column]), no_wrap=True)
        for line in self.grid.lines:
            entries = (_figure(line.entries[column]) for column in columns)
            table.add_row(Text(line.row, style=colour_of(line.model)), *entries)
        return table

    def _width(self, column: int) -> int:
        figures = [_figure(line.entries[column]).cell_len for line in self.grid.lines]
        return max(len(GAP) + cell_len(self.grid.columns[column]), *figures, 0)


def _figure(entry: Entry | None) -> Text:
    if entry is None:
        return Text()
    number = f" {superscript(entry.number)}" if entry.number else ""
    mark, figure = entry.mark or " ", f"{entry.figure}{number}"
    if entry.figure == UNFINISHED:
        mark, figure = "?", entry.small.rstrip("?") or UNFINISHED
    return Text(f"{mark} {figure}", style=entry.style)
