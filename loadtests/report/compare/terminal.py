"""A comparison in the terminal: verdicts, cells, what has changed, and warnings."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from loadtests.report.colours import colour_of
from loadtests.report.compare.changes import changes
from loadtests.report.compare.comparison import Comparison, Match
from loadtests.report.compare.sentences import (
    NOTHING_CHANGED,
    legend_of,
    machines,
    marked,
    objectives,
    range_text,
    rate_of,
    title_of,
    verdicts,
)
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.report.console import item

LABEL_WIDTH = 14
NAME_WIDTH = 24  # "supervised-process-pool", but not followed by a Python
RATIO_WIDTH = 18  # "▲ 1.90 × 1.72–2.10"
GAP = 2
STYLES = {"more": "bold green", "less": "bold red", "same": ""}


def final(comparison: Comparison) -> RenderableType:
    title = f"[bold]{escape(title_of(comparison))}[/bold] ({escape(objectives(comparison))})"
    parts: list[RenderableType] = [
        Text.from_markup(title),
        *(Text(f"{name}: {place}", style="dim") for name, place in machines(comparison)),
        Text(),
        *(item("!", sentence, "bold yellow") for sentence in unlike(comparison)),
        *(item("•", sentence) for sentence in verdicts(comparison)),
        Text(),
        Ratios(comparison),
        Text(legend_of(comparison), style="dim"),
        Text(),
    ]
    different = changes(comparison.sides)
    parts += (
        [Text("What has changed", style="bold"), _changes(comparison, different)]
        if different
        else [Text(NOTHING_CHANGED)]
    )
    if sentences := warnings(comparison):
        parts += [Text(), *(item("!", sentence, "yellow") for sentence in sentences)]
    return Group(*parts)


@dataclass(frozen=True, slots=True)
class Ratios:
    """A row for each cell, a column for each later run; columns that do not fit go below."""

    comparison: Comparison

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        rows = self.comparison.shown
        names = max(len(row.cell.workload) for row in rows) + NAME_WIDTH + 2 * GAP
        later = len(self.comparison.later)
        columns = max(1, (options.max_width - names - LABEL_WIDTH) // (RATIO_WIDTH + GAP))
        for start in range(0, later, columns):
            if start:
                yield Text()
            yield self._table(range(start, min(start + columns, later)))

    def _table(self, numbers: range) -> Table:
        first, later = self.comparison.first, self.comparison.later
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("")
        table.add_column("req/s")
        for label in (first.label, *(later[number].label for number in numbers)):
            table.add_column(_wrapped(label))
        if len(later) == 1:
            table.add_column("ratio")
            table.add_column("95 %")
        entry = _rate_and_ratio if len(later) == 1 else _ratio
        for workload, rows in groupby(self.comparison.shown, lambda row: row.cell.workload):
            for place, row in enumerate(rows):
                table.add_row(
                    Text("" if place else workload),
                    _wrapped(row.cell.row, NAME_WIDTH, colour_of(row.cell.model)),
                    rate_of(row.first),
                    *(text for number in numbers for text in entry(row.later[number])),
                )
        return table


def _wrapped(name: str, width: int = LABEL_WIDTH, style: str = "") -> Text:
    return Text("\n".join(textwrap.wrap(name, width)), style=style)


def _rate_and_ratio(match: Match) -> tuple[RenderableType, ...]:
    rate = rate_of(match.result)
    if match.ratio is None:
        return rate, "", ""
    style = STYLES[match.ratio.sign]
    interval = range_text(match.ratio) if match.ratio.best is not None else ""
    return rate, Text(marked(match.ratio), style), Text(interval, style)


def _ratio(match: Match) -> tuple[RenderableType, ...]:
    if match.ratio is None:
        return (rate_of(match.result),)
    interval = f" {range_text(match.ratio)}" if match.ratio.best is not None else ""
    return (Text(f"{marked(match.ratio)}{interval}", STYLES[match.ratio.sign]),)


def _changes(comparison: Comparison, different: Mapping[str, Sequence[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for side in comparison.sides:
        table.add_column(_wrapped(side.label), overflow="fold")
    for name, values in different.items():
        table.add_row(Text(name), *map(Text, values))
    return table
