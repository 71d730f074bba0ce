"""Cells that are compared in turns: each has the server to itself for a stretch, again and again.

Models that run at once on one server share its event loop and the cores, so that a model which
blocks the loop makes the others look slow. In turns, each is measured alone, and what changes on
the machine meanwhile meets all of them. Turns follow the wall clock, which all processes share.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.run.options import Options

COMPARE = "compare"  # the scenario
TURN_S = 7  # long enough for a hundred requests at a usual rate
SETTLE_S = 2  # at the start of a turn, which are not counted: the model before still answers


class Turns:
    """Whose turn it is. Raises ValueError for less than two cells."""

    def __init__(self, cells: Sequence[str]) -> None:
        if len(cells) < 2:
            raise ValueError(
                "compare needs at least two cells; select several models, or several workloads"
            )
        self.cells = tuple(cells)

    def cell(self, at_s: float) -> str:
        """Return the cell whose turn it is at a time of the wall clock."""
        return self.cells[int(at_s) // TURN_S % len(self.cells)]

    def counts(self, second: int) -> bool:
        """Whether a second is counted: the model before may still answer in the first ones."""
        return second % TURN_S >= SETTLE_S

    def counted(self, cell: str, since: int, until: int) -> int:
        """How many counted seconds a cell has had after `since`, up to and with `until`."""
        return sum(
            self.counts(second) and self.cell(second) == cell
            for second in range(since + 1, until + 1)
        )


def turns_of(options: Options) -> Turns | None:
    """Return the turns of a comparison; None where cells are loaded at once."""
    if options.scenario != COMPARE:
        return None
    return Turns([f"{workload}/{model}" for workload, model in options.cells])
