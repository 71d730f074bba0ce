"""Capacities as bars, workload by workload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log

from loadtests.cell import Cell
from loadtests.report.charts.axes import span, ticks
from loadtests.report.charts.canvas import Canvas, text_width
from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.charts.points import Style, styles
from loadtests.report.survival.matrix import ABSENT, BEST
from loadtests.report.wording import cause_short, interval_text
from loadtests.run.file.cells import CellResult

WIDTH, ROW, NAME, GAP, HEAD, FOOT = 172, 44, 160, 14, 32, 14  # pixels
TITLE, BAND = 30, 24  # the height of the title, and the space between bands of columns
BAR, STUB = 10, 14
MOST_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class BarAxis:
    """A logarithmic axis on the page: rates, and where they are in pixels."""

    low: float
    high: float
    left: float
    width: float

    @classmethod
    def of(cls, rates: Iterable[float], left: float, width: float, room: float = 1.35) -> BarAxis:
        return cls(*span((rate for rate in rates if rate < inf), room), left, width)

    def at(self, rate: float) -> float:
        """Return the pixel of a rate, within the axis."""
        inside = min(max(rate, self.low), self.high)
        return self.left + self.width * log(inside / self.low) / log(self.high / self.low)

    def draw(self, canvas: Canvas, top: float, height: float) -> None:
        """Draw a rule for each number and the number below it, unless it would touch the last."""
        end = -inf
        for tick in ticks(self.low, self.high):
            text, x = f"{tick:,g}", self.at(tick)
            half = text_width(text) / 2 + 3
            if x - half > end:
                end = x + half
                canvas.rule(x, top, height, FAINT)
                canvas.text(text, x, top + height + 14, SOFT, anchor="middle")


def capacities(results: Sequence[CellResult], marks: Mapping[Cell, str], title: str) -> str:
    """Draw the interval of every cell, and in small print what broke it."""
    looks = styles(result for result in results if not result.unavailable)
    workloads = list(dict.fromkeys(result.workload for result in results))
    canvas, height = Canvas(), HEAD + ROW * len(looks) + FOOT
    canvas.text(title, 0, 13, size=14, bold=True)
    for number, workload in enumerate(workloads):
        band, column = divmod(number, MOST_COLUMNS)
        left, top = NAME + column * (WIDTH + GAP), TITLE + band * (height + BAND)
        if not column:
            for row, (name, look) in enumerate(looks.items()):
                canvas.text(name, NAME - 14, top + HEAD + ROW * row + 11, look.text, anchor="end")
        mine = [result for result in results if result.workload == workload]
        canvas.text(workload, left, top + 12, size=13, bold=True)
        rates = [rate for r in mine if r.measured for rate in (r.sustained, r.high)]
        axis = BarAxis.of(rates, left, WIDTH)
        axis.draw(canvas, top + HEAD - 6, ROW * len(looks))
        for result in mine:
            if result.row in looks:
                y = top + HEAD + ROW * list(looks).index(result.row)
                draw_bar(canvas, axis, result, y, looks[result.row])
                if result.capacity and not result.unbounded:
                    canvas.rule(axis.at(result.capacity), y - 1, BAR + 4, INK)
                _label(canvas, axis, result, y + BAR, marks.get(result.cell, ""))
    bands, columns = max(1, -(-len(workloads) // MOST_COLUMNS)), min(len(workloads), MOST_COLUMNS)
    width = NAME + columns * (WIDTH + GAP) - GAP
    return canvas.svg(width, TITLE + bands * (height + BAND) - BAND)


def described(results: Sequence[CellResult]) -> str:
    workloads: dict[str, list[str]] = {}
    for result in results:
        if result.measured:
            cause = cause_short(result)
            text = f"{result.row} {interval_text(result)}{f' ({cause})' if cause else ''}"
            workloads.setdefault(result.workload, []).append(text)
    return " ".join(f"{workload}: {', '.join(texts)}." for workload, texts in workloads.items())


def draw_bar(canvas: Canvas, axis: BarAxis, result: CellResult, y: float, look: Style) -> None:
    """Draw an interval; where its end is unknown, an arrow points on from what was sustained."""
    if not result.measured or not result.sustained:
        return
    begin, end = _ends(axis, result)
    canvas.box(begin, y + 1, end - begin, BAR, look.colour, radius=3, opacity=0.85)
    if result.unbounded:
        canvas.text("▸", end, y + 1 + BAR, look.text, size=13)


def _ends(axis: BarAxis, result: CellResult) -> tuple[float, float]:
    begin = axis.at(result.sustained)
    return begin, begin + STUB if result.unbounded else max(axis.at(result.high), begin + 1)


def _label(canvas: Canvas, axis: BarAxis, result: CellResult, y: float, mark: str) -> None:
    """Write the interval below its bar, and what limits it."""
    if not result.measured or not result.sustained:
        text = ABSENT if result.unavailable else interval_text(result)
        canvas.text(text, axis.left, y + 2, SOFT, halo=True)
        return
    text = f"{mark} {interval_text(result)} {cause_short(result)}".strip()
    best = mark == BEST
    width = text_width(text, bold=best)
    centred = (sum(_ends(axis, result)) - width) / 2
    x = max(min(centred, axis.left + axis.width - width), axis.left)
    canvas.text(text, x, y + 15, bold=best, halo=True)
