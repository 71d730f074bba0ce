"""The capacities of a whole run as bars: a column for each workload, with an axis of its own."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import TYPE_CHECKING, Any

from loadtests.report.charts.axes import span, ticks
from loadtests.report.charts.pieces import Pieces
from loadtests.report.charts.points import Style, styles
from loadtests.report.drawing import FAINT, INK, SOFT
from loadtests.report.matrix import ABSENT, BEST
from loadtests.verdicts import leaders
from loadtests.wording import cause_short, interval_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtests.records import CellResult
    from loadtests.summary import Summary

WIDTH, ROW, NAME, GAP, HEAD, FOOT = 172, 42, 158, 26, 30, 26  # pixels
BAR, SMALL, CHARACTER = 10, 10, 5.9
MOST_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis on the page: rates, and the pixels where they are."""

    low: float
    high: float
    left: float
    width: float

    @classmethod
    def of(cls, rates: Iterable[float], left: float, width: float, room: float = 1.35) -> Axis:
        return cls(*span((rate for rate in rates if rate < inf), room), left, width)

    def at(self, rate: float) -> float:
        """Return the pixel of a rate, inside of the axis."""
        inside = min(max(rate, self.low), self.high)
        return self.left + self.width * log(inside / self.low) / log(self.high / self.low)

    def draw(self, pieces: Pieces, top: float, height: float) -> None:
        for tick in ticks(self.low, self.high):
            pieces.upright(self.at(tick), top, height, FAINT)
            pieces.word(f"{tick:,g}", self.at(tick), top + height + 13, SOFT, align="center",
                size=SMALL)  # fmt: skip


def capacities(summary: Summary) -> Any:
    """Draw the interval of every cell, and in small print what broke it."""
    looks = styles(one.cell for one in summary.cells if not one.unavailable)
    workloads = list(dict.fromkeys(one.workload for one in summary.cells))
    best = leaders(summary.cells, summary.slo)
    pieces, height = Pieces(), HEAD + ROW * len(looks) + FOOT
    for number, workload in enumerate(workloads):
        band, column = divmod(number, MOST_COLUMNS)
        left, top = NAME + column * (WIDTH + GAP), band * (height + GAP)
        if not column:
            for row, (name, look) in enumerate(looks.items()):
                y = top + HEAD + ROW * row + 11
                pieces.word(name, NAME - 14, y, look.text, align="right")
        cells = [one for one in summary.cells if one.workload == workload]
        pieces.word(workload, left, top + 12, size=12, bold=True)
        rates = [rate for one in cells if one.measured for rate in (one.low, one.high)]
        axis = Axis.of(rates, left, WIDTH)
        axis.draw(pieces, top + HEAD - 6, ROW * len(looks))
        for cell in cells:
            if cell.row in looks:
                y = top + HEAD + ROW * list(looks).index(cell.row)
                _bar(pieces, axis, cell, y, looks[cell.row], best=cell.cell in best)
    bands, columns = -(-len(workloads) // MOST_COLUMNS), min(len(workloads), MOST_COLUMNS)
    return pieces.chart(NAME + columns * (WIDTH + GAP) - GAP, bands * (height + GAP) - GAP)


def told(cells: Sequence[CellResult]) -> str:
    """Say the same as the picture."""
    said: dict[str, list[str]] = {}
    for one in cells:
        if one.measured:
            cause = cause_short(one)
            text = f"{one.row} {interval_text(one)}{f' ({cause})' if cause else ''}"
            said.setdefault(one.workload, []).append(text)
    return " ".join(f"{workload}: {', '.join(texts)}." for workload, texts in said.items())


def _bar(pieces: Pieces, axis: Axis, one: CellResult, y: float, look: Style, *, best: bool) -> None:
    if not one.measured or not one.bears:
        text = interval_text(one) if one.measured else ABSENT
        pieces.word(text, axis.left, y + 11, SOFT, size=SMALL)
        return
    begin, end = axis.at(one.low), axis.at(one.high)
    pieces.bar(begin, end, y + 1, BAR, look.colour)
    if one.capacity and not one.unbounded:
        pieces.upright(axis.at(one.capacity), y - 1, BAR + 4, INK)
    text = f"{BEST if best else ''} {interval_text(one)} {cause_short(one)}".strip()
    width = CHARACTER * len(text)
    x = min(max((begin + end - width) / 2, axis.left), axis.left + axis.width - width)
    pieces.word(text, x, y + 24, INK, size=SMALL, bold=best)
