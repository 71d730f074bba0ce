"""Theoretical ceiling, predicted and measured capacity of each row of a workload."""

from collections.abc import Sequence

from loadtests.report.charts.bars import FOOT, BarAxis, draw_bar
from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import INK, SOFT
from loadtests.report.charts.points import styles
from loadtests.report.survival.sections import resource_of
from loadtests.run.file.cells import CellResult

WIDTH, ENDS, ROW, TOP, NAME = 260, 88, 46, 22, 18  # pixels, all of which fit on a phone


def ceilings(results: Sequence[CellResult]) -> str | None:
    """Draw the interval as a bar, the prediction as a line, the ceiling as a double line."""
    known = [result for result in results if result.measured and result.ceiling]
    if not known:
        return None
    looks = styles(results)
    rates = [
        rate
        for result in known
        for rate in (result.low, result.high, result.predicted, result.ceiling)
    ]
    axis = BarAxis.of(filter(None, rates), 0, WIDTH, room=1.25)
    canvas = Canvas()
    axis.draw(canvas, TOP - 6, 6 + ROW * len(known))
    for number, result in enumerate(known):
        y = TOP + ROW * number
        canvas.text(result.row, 1, y + 11, looks[result.row].text, halo=True)
        y += NAME
        draw_bar(canvas, axis, result, y + 2, looks[result.row])
        if result.predicted:
            canvas.rule(axis.at(result.predicted), y - 2, 21, INK, width=2.5)
        ceiling = axis.at(result.ceiling or 0.0)
        for offset in (0.0, 3.0):
            canvas.rule(ceiling + offset, y, 17, SOFT)
        name = resource_of(result.binding).removeprefix("the ")
        canvas.text(name, WIDTH + 10, y + 12, SOFT)
    canvas.text("limited by", WIDTH + 10, 12, SOFT)
    return canvas.svg(WIDTH + ENDS, TOP + ROW * len(known) + FOOT)
