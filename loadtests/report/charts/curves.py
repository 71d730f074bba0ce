"""Capacity against size: what was measured, and the law of scalability that fits it best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from loadtests.report.charts.axes import even_ticks
from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.charts.points import Style
from loadtests.report.sizes import law
from loadtests.report.wording import under
from loadtests.run.file.cells import CellResult
from loadtests.run.sizes import Series
from loadtests.wording import rate_text

WIDTH, HEIGHT, LEFT, FOOT, HEAD = 350, 180, 46, 40, 20  # pixels
STEPS = 60  # points of a curve
CAP, DOT = 8, 6
ROOM = 1.1  # above the highest rate


@dataclass(frozen=True, slots=True)
class CurveFrame:
    """Where sizes and rates are in pixels: sizes on a logarithmic axis, rates from 0."""

    least: int
    most: int
    top: float

    def across(self, size: float) -> float:
        return LEFT + (WIDTH - LEFT) * log(size / self.least) / log(self.most / self.least)

    def upwards(self, rate: float) -> float:
        return HEAD + HEIGHT * (1 - rate / (ROOM * self.top))


def chart(series: Sequence[Series], looks: Mapping[str, Style]) -> str | None:
    """Draw one line for each series; None where less than two sizes were measured."""
    cells = [cell for known in series for cell in known.results.values() if cell.measured]
    sizes = sorted({size for known in series for size in known.results})
    top = max((cell.sustained if cell.unbounded else cell.high for cell in cells), default=0.0)
    if not top or len(sizes) < 2:
        return None
    canvas, frame = Canvas(), CurveFrame(sizes[0], sizes[-1], top)
    _axes(canvas, frame, sizes, series[0].option)
    for known in series:
        measured = {size: cell for size, cell in known.results.items() if cell.measured}
        if measured:
            _curve(canvas, frame, known, looks[next(iter(measured.values())).row])
            _points(canvas, frame, measured, looks)
            if len(series) > 1:
                size, cell = max(measured.items())
                label = under(known.others.label) if known.others.label else known.model
                x, y = frame.across(size), frame.upwards(cell.capacity or 0.0) - CAP
                canvas.text(label, x, y, looks[cell.row].text, anchor="end", halo=True)
    return canvas.svg(WIDTH, HEAD + HEIGHT + FOOT)


def _axes(canvas: Canvas, frame: CurveFrame, sizes: Sequence[int], option: str) -> None:
    for tick in even_ticks(frame.top):
        y = frame.upwards(tick)
        canvas.line([(LEFT, y), (WIDTH, y)], FAINT)
        canvas.text(f"{tick:,g}", LEFT - 6, y + 4, SOFT, anchor="end")
    end = 0.0
    for size in sizes:
        x = frame.across(size)
        if x >= end:
            canvas.text(str(size), x, HEAD + HEIGHT + 16, SOFT, anchor="middle")
            end = x + 18
    canvas.text(option, (LEFT + WIDTH) / 2, HEAD + HEIGHT + 33, SOFT, anchor="middle")
    canvas.text("sustains, req/s", 0, 11, SOFT)


def _curve(canvas: Canvas, frame: CurveFrame, known: Series, look: Style) -> None:
    """Draw the law through the sizes, if it can be fitted."""
    fitted = law(known)
    if fitted is None:
        return
    first, last = min(known.results), max(known.results)
    sizes = [first * (last / first) ** (step / STEPS) for step in range(STEPS + 1)]
    points = [(frame.across(size), frame.upwards(fitted.at(size))) for size in sizes]
    canvas.line(points, look.colour, 1.5)


def _points(
    canvas: Canvas,
    frame: CurveFrame,
    measured: Mapping[int, CellResult],
    looks: Mapping[str, Style],
) -> None:
    """Draw the interval of each size; an arrow where the generator was the limit."""
    for size, cell in measured.items():
        look, x = looks[cell.row], frame.across(size)
        high = cell.sustained if cell.unbounded else cell.high
        canvas.line([(x, frame.upwards(rate)) for rate in (cell.sustained, high)], look.colour, 3)
        y = frame.upwards(cell.capacity or 0.0)
        canvas.box(x - DOT / 2, y - DOT / 2, DOT, DOT, INK, radius=DOT / 2)
        if cell.unbounded:
            canvas.text("▴", x, y - DOT, look.text, anchor="middle", size=13)


def described(series: Sequence[Series]) -> str:
    """Return the same for readers who cannot see it."""
    parts = []
    for known in series:
        rates = [
            f"{size}: {rate_text(cell.capacity or 0.0)}"
            for size, cell in known.results.items()
            if cell.measured
        ]
        parts.append(f"{known.model}, req/s by {known.option}: {', '.join(rates)}.")
    return " ".join(parts)
