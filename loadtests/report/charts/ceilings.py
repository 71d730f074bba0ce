"""What arithmetic allows, what it predicted, and what was measured, for each row of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report.charts.bars import FOOT, BarAxis, bar
from loadtests.report.charts.drawing import INK, SOFT
from loadtests.report.charts.pieces import Pieces
from loadtests.report.charts.points import styles
from loadtests.report.survival.sections import resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.run.file.cells import CellResult

WIDTH, ENDS, ROW, TOP, NAME = 260, 88, 46, 22, 18  # pixels, all of which fit on a phone
CHARACTER = 7.0  # of a name


def ceilings(results: Sequence[CellResult]) -> Any | None:
    """Draw the interval as a bar, the prediction as a stroke, the ceiling as a double stroke."""
    known = [one for one in results if one.measured and one.ceiling]
    if not known:
        return None
    looks = styles(one.cell for one in results)
    rates = [rate for one in known for rate in (one.low, one.high, one.predicted, one.ceiling)]
    axis = BarAxis.of(filter(None, rates), 0, WIDTH, room=1.25)
    pieces = Pieces()
    axis.draw(pieces, TOP - 6, 6 + ROW * len(known))
    for number, one in enumerate(known):
        y = TOP + ROW * number
        wide = CHARACTER * len(one.row)
        pieces.word(one.row, 1, y + 11, looks[one.row].text, size=12, clear=wide)
        y += NAME
        bar(pieces, axis, one, y + 2, looks[one.row])
        if one.predicted:
            pieces.upright(axis.at(one.predicted), y - 2, 21, INK, wide=2.5)
        ceiling = axis.at(one.ceiling or 0.0)
        for offset in (0.0, 3.0):
            pieces.upright(ceiling + offset, y, 17, SOFT)
        name = resource_of(one.binding).removeprefix("the ")
        pieces.word(name, WIDTH + 10, y + 12, SOFT, size=12)
    pieces.word("ends first", WIDTH + 10, 12, SOFT, size=12)
    return pieces.chart(WIDTH + ENDS, TOP + ROW * len(known) + FOOT)
