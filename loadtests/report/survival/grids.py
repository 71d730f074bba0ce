"""Tables of models by workloads for a page: what a matrix shows, with shades and footnotes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from loadtests.cell import Cell
    from loadtests.report.survival.matrix import Entry
    from loadtests.run.file.cells import CellResult


@dataclass(frozen=True, slots=True)
class Square:
    """One cell: its figure, lines of small print, the number of its footnote, and its shade.

    `depth` is 0 for none, and 1 for the most of its column, or what cannot be told from it.
    """

    figure: str
    small: tuple[str, ...] = ()
    note: int | None = None
    best: bool = False
    depth: float = 0.0


@dataclass(frozen=True, slots=True)
class Grid:
    """A whole table; `rows` name their model, for its colour."""

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Square | None, ...]], ...]
    notes: tuple[str, ...] = ()


def grid(
    entries: Mapping[Cell, Entry],
    title: str,
    corner: str = "model",
    depths: Mapping[Cell, float] | None = None,
) -> Grid:
    """Arrange what a matrix shows: a row for each model, a column for each workload."""
    columns = tuple(dict.fromkeys(cell.workload for cell in entries))
    notes = tuple(dict.fromkeys(entry.note for entry in entries.values() if entry.note))
    rows = []
    for one in {cell.row: cell for cell in entries}.values():
        cells = [one._replace(workload=workload) for workload in columns]
        squares = tuple(
            _square(entries[cell], notes, (depths or {}).get(cell, 0.0))
            if cell in entries
            else None
            for cell in cells
        )
        rows.append((one.row, one.model, squares))
    return Grid(title, corner, columns, tuple(rows), notes)


def depths(results: Iterable[CellResult], best: Collection[Cell]) -> dict[Cell, float]:
    """Shade each cell by its share of the most in its column; all that are best look alike."""
    columns: dict[str, list[CellResult]] = {}
    for one in results:
        if one.shown and one.bears:
            columns.setdefault(one.workload, []).append(one)
    most = {workload: max(one.midpoint for one in column) for workload, column in columns.items()}
    return {
        one.cell: 1.0 if one.cell in best else round(one.midpoint / most[one.workload], 2)
        for column in columns.values()
        for one in column
    }


def _square(entry: Entry, notes: Sequence[str], depth: float) -> Square:
    note = notes.index(entry.note) + 1 if entry.note else None
    small = tuple(entry.small.splitlines())
    return Square(entry.figure, small, note, entry.best, depth)
