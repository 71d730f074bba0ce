"""What arithmetic allows, what it predicted, and what was measured, for each row of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report.charts.bars import Axis, bar
from loadtests.report.charts.pieces import Pieces
from loadtests.report.charts.points import styles
from loadtests.report.drawing import INK, SOFT
from loadtests.report.foresight import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.records import CellResult

NAME, WIDTH, ENDS, ROW, TOP = 158, 330, 80, 28, 22  # pixels


def ceilings(results: Sequence[CellResult]) -> Any | None:
    """Draw the interval as a bar, the prediction as a stroke, the ceiling as a double stroke."""
    known = [one for one in results if one.measured and one.ceiling]
    if not known:
        return None
    looks = styles(one.cell for one in results)
    rates = [rate for one in known for rate in (one.low, one.high, one.predicted, one.ceiling)]
    axis = Axis.of(filter(None, rates), NAME, WIDTH, room=1.25)
    pieces = Pieces()
    axis.draw(pieces, 0, TOP + ROW * len(known))
    for number, one in enumerate(known):
        y = TOP + ROW * number
        pieces.word(one.row, NAME - 14, y + 12, looks[one.row].text, align="right")
        bar(pieces, axis, one, y + 2, looks[one.row])
        if one.predicted:
            pieces.upright(axis.at(one.predicted), y - 2, 21, INK, wide=2.5)
        ceiling = axis.at(one.ceiling or 0.0)
        for offset in (0.0, 3.0):
            pieces.upright(ceiling + offset, y, 17, SOFT)
        name = RESOURCES.get(one.binding or "", one.binding or "").removeprefix("the ")
        pieces.word(name, NAME + WIDTH + 8, y + 12, SOFT, size=10)
    pieces.word("ends first", NAME + WIDTH + 8, 12, SOFT, size=10)
    return pieces.chart(NAME + WIDTH + ENDS, TOP + ROW * len(known))
