"""What arithmetic allows, what it predicted, and what was measured, for each row of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report.charts.bars import Axis
from loadtests.report.charts.pieces import Pieces
from loadtests.report.charts.points import styles
from loadtests.report.drawing import INK, SOFT
from loadtests.report.foresight import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.records import CellResult

NAME, WIDTH, ROW, TOP = 158, 400, 28, 22  # pixels


def ceilings(results: Sequence[CellResult]) -> Any | None:
    """Draw the interval as a bar, the prediction as a rule in it, the ceiling as its end."""
    known = [one for one in results if one.measured and one.ceiling]
    if not known:
        return None
    looks = styles(one.cell for one in results)
    rates = [one.ceiling or 0.0 for one in known]
    rates += [rate for one in known for rate in (one.low, one.high, one.predicted or 0.0)]
    axis = Axis.of(rates, NAME, WIDTH, room=1.25)
    pieces = Pieces()
    axis.draw(pieces, 0, TOP + ROW * len(known))
    for number, one in enumerate(known):
        y = TOP + ROW * number
        pieces.word(one.row, NAME - 14, y + 12, looks[one.row].text, align="right")
        if one.bears:
            begin, end = axis.at(one.low), axis.at(one.high)
            pieces.bar(begin, max(end, begin + 1), y + 3, 11, looks[one.row].colour)
        if one.predicted:
            pieces.upright(axis.at(one.predicted), y - 1, 19, INK, wide=2)
        ceiling = axis.at(one.ceiling or 0.0)
        for offset in (0.0, 3.0):
            pieces.upright(ceiling + offset, y + 1, 15, SOFT)
        name = RESOURCES.get(one.binding or "", one.binding or "").removeprefix("the ")
        pieces.word(name, ceiling + 8, y + 12, SOFT, size=10)
    _key(pieces, axis, known[0])
    return pieces.chart(NAME + WIDTH, TOP + ROW * len(known))


def _key(pieces: Pieces, axis: Axis, first: CellResult) -> None:
    """Name the marks above the first row."""
    ceiling = axis.at(first.ceiling or 0.0)
    pieces.word("ceiling", ceiling, 14, SOFT, size=10)
    if first.predicted:
        x = min(axis.at(first.predicted), ceiling - 6)
        pieces.word("predicted", x, 14, INK, align="right", size=10)
