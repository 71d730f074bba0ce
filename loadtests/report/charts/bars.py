"""The capacities of a whole run as bars: a column for each workload, with an axis of its own."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import TYPE_CHECKING, Any

from loadtests.report.charts.axes import span, ticks
from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.charts.pieces import Pieces
from loadtests.report.charts.points import Style, styles
from loadtests.report.survival.matrix import ABSENT, BEST
from loadtests.report.wording import cause_short, interval_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from loadtests.cell import Cell
    from loadtests.report.charts.pieces import Weight
    from loadtests.run.file.cells import CellResult

WIDTH, ROW, NAME, GAP, HEAD, FOOT = 172, 44, 160, 14, 32, 14  # pixels
TITLE, BAND = 30, 24  # the height of the title, and between bands of columns
BAR, STUB, SMALL = 10, 14, 12  # a page may show it at nine tenths: letters stay legible
PLAIN, BOLD = 6.7, 7.4  # pixels for a character of small print
MOST_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class BarAxis:
    """A logarithmic axis on the page: rates, and the pixels where they are."""

    low: float
    high: float
    left: float
    width: float

    @classmethod
    def of(cls, rates: Iterable[float], left: float, width: float, room: float = 1.35) -> BarAxis:
        return cls(*span((rate for rate in rates if rate < inf), room), left, width)

    def at(self, rate: float) -> float:
        """Return the pixel of a rate, inside of the axis."""
        inside = min(max(rate, self.low), self.high)
        return self.left + self.width * log(inside / self.low) / log(self.high / self.low)

    def draw(self, pieces: Pieces, top: float, height: float) -> None:
        """Draw it below a rule for each number, but for numbers that would touch another."""
        end = -inf
        for tick in ticks(self.low, self.high):
            text, x = f"{tick:,g}", self.at(tick)
            half = PLAIN * len(text) / 2 + 3
            if x - half > end:
                end = x + half
                pieces.upright(x, top, height, FAINT)
                pieces.word(text, x, top + height + 14, SOFT, align="center", size=SMALL)


def capacities(cells: Sequence[CellResult], best: Collection[Cell], title: str) -> Any:
    """Draw the interval of every cell, and in small print what broke it."""
    looks = styles(one.cell for one in cells if not one.unavailable)
    workloads = list(dict.fromkeys(one.workload for one in cells))
    pieces, height = Pieces(), HEAD + ROW * len(looks) + FOOT
    pieces.word(title, 0, 13, size=14, weight="bold")
    for number, workload in enumerate(workloads):
        band, column = divmod(number, MOST_COLUMNS)
        left, top = NAME + column * (WIDTH + GAP), TITLE + band * (height + BAND)
        if not column:
            for row, (name, look) in enumerate(looks.items()):
                y = top + HEAD + ROW * row + 11
                pieces.word(name, NAME - 14, y, look.text, align="right", size=SMALL)
        mine = [one for one in cells if one.workload == workload]
        pieces.word(workload, left, top + 12, size=13, weight="bold")
        rates = [rate for one in mine if one.measured for rate in (one.low, one.high)]
        axis = BarAxis.of(rates, left, WIDTH)
        axis.draw(pieces, top + HEAD - 6, ROW * len(looks))
        for cell in mine:
            if cell.row in looks:
                y = top + HEAD + ROW * list(looks).index(cell.row)
                bar(pieces, axis, cell, y, looks[cell.row])
                if cell.capacity and not cell.unbounded:
                    pieces.upright(axis.at(cell.capacity), y - 1, BAR + 4, INK)
                _name(pieces, axis, cell, y + BAR, best=cell.cell in best)
    bands, columns = max(1, -(-len(workloads) // MOST_COLUMNS)), min(len(workloads), MOST_COLUMNS)
    width = NAME + columns * (WIDTH + GAP) - GAP
    return pieces.chart(width, TITLE + bands * (height + BAND) - BAND)


def told(cells: Sequence[CellResult]) -> str:
    """Say the same as the picture."""
    said: dict[str, list[str]] = {}
    for one in cells:
        if one.measured:
            cause = cause_short(one)
            text = f"{one.row} {interval_text(one)}{f' ({cause})' if cause else ''}"
            said.setdefault(one.workload, []).append(text)
    return " ".join(f"{workload}: {', '.join(texts)}." for workload, texts in said.items())


def bar(pieces: Pieces, axis: BarAxis, one: CellResult, y: float, look: Style) -> None:
    """Draw an interval; where its end is not known, an arrow goes on from what was borne."""
    if not one.measured or not one.bears:
        return
    begin, end = _ends(axis, one)
    pieces.bar(begin, end, y + 1, BAR, look.colour)
    if one.unbounded:
        pieces.word("▸", end, y + 1 + BAR, look.text, size=13)


def _ends(axis: BarAxis, one: CellResult) -> tuple[float, float]:
    begin = axis.at(one.low)
    return begin, begin + STUB if one.unbounded else max(axis.at(one.high), begin + 1)


def _name(pieces: Pieces, axis: BarAxis, one: CellResult, y: float, *, best: bool) -> None:
    """Write the interval below its bar, and what bounds it."""
    if not one.measured or not one.bears:
        text = interval_text(one) if one.measured else ABSENT
        pieces.word(text, axis.left, y + 2, SOFT, size=SMALL, clear=PLAIN * len(text))
        return
    text = f"{BEST if best else ''} {interval_text(one)} {cause_short(one)}".strip()
    width = (BOLD if best else PLAIN) * len(text)
    x = max(min((sum(_ends(axis, one)) - width) / 2, axis.left + axis.width - width), axis.left)
    weight: Weight = "bold" if best else "normal"
    pieces.word(text, x, y + 15, size=SMALL, weight=weight, clear=width)
