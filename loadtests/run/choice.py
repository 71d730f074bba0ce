"""Which row to use for a workload, and by what those that tie with it were told apart.

A tie is a result: rows that sustain as much differ in what they cost. The first of `RULES` that
tells them apart decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from loadtests.run.file.cells import CellResult, Standing

SAME = 1.1  # times as much: costs of one trial differ by so much by chance
BASELINE = "inline"  # what people have who have not yet decided
# The fewer parts, the earlier: a loop, then threads, then processes, then both.
PARTS = (
    *("inline", "async", "thread-pool", "thread-per-request", "process-pool"),
    *("process-per-request", "interpreter-pool", "supervised-process-pool", "hybrid", "dask"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The row to use for a workload, `pick`; None if no row sustains any load.

    `ties` are all rows that may be the best, `pick` first, and `decided_by` is the rule that
    singled it out; empty if it is alone. `beaten` is the best row that sustains significantly
    less, and `baseline` the row that people have, if it was measured.
    """

    workload: str
    pick: CellResult | None = None
    ties: tuple[CellResult, ...] = ()
    decided_by: str = ""
    beaten: CellResult | None = None
    baseline: CellResult | None = None

    @property
    def named(self) -> tuple[CellResult, ...]:
        """The cells that an answer names."""
        cells = (self.pick, self.beaten, self.baseline)
        return tuple({cell.cell: cell for cell in cells if cell}.values())


def ranked(results: Iterable[CellResult]) -> list[CellResult]:
    """Sort those that have a result: rows at the limit of the generator lead."""
    measured = [cell for cell in results if cell.measured]
    measured.sort(key=lambda cell: (cell.unbounded, cell.capacity, cell.sustained), reverse=True)
    return measured


def tied(best_first: Sequence[CellResult], standing: Standing) -> list[CellResult]:
    """Return the best row and those that tie with it; all at the generator's limit do."""
    return [
        cell
        for number, cell in enumerate(best_first)
        if cell.sustained and (not number or cell.unbounded or cell.row in standing.ties)
    ]


def choose(
    workload: str,
    results: Iterable[CellResult],
    standing: Standing | None,
    baseline: str = BASELINE,
) -> Choice:
    """Choose among the rows of one workload; `baseline` is a row."""
    standing, order = standing or Standing(workload), ranked(results)
    have = next((cell for cell in order if cell.row == baseline), None)
    ties = tied(order, standing)
    if not ties:
        return Choice(workload, baseline=have)
    pick, decided_by = _cheapest(ties)
    best = order[0]
    # At the limit of the generator no ratio is known, but those that do not tie are behind.
    less = (
        cell
        for cell in order
        if cell not in ties
        and cell.sustained
        and (best.unbounded or standing.more(best.row, cell.row))
    )
    others = (cell for cell in ties if cell is not pick)
    return Choice(workload, pick, (pick, *others), decided_by, next(less, None), have)


def _cheapest(ties: Sequence[CellResult]) -> tuple[CellResult, str]:
    """Return the row that the first rule prefers which tells them apart, and that rule."""
    left = list(ties)
    for name, cost in RULES:
        costs = {cell.cell: cost(cell) for cell in left}
        known = [figure for figure in costs.values() if figure is not None]
        if len(left) == 1 or len(known) < len(left):
            continue
        cheapest = [cell for cell in left if (costs[cell.cell] or 0) <= SAME * min(known)]
        if len(cheapest) == 1:
            return cheapest[0], name
        left = cheapest
    return left[0], ""


def _parts(cell: CellResult) -> float:
    return 2.0 ** (PARTS.index(cell.model) if cell.model in PARTS else len(PARTS))


RULES: tuple[tuple[str, Callable[[CellResult], float | None]], ...] = (
    ("CPU per request", lambda cell: cell.cpu_ms_per_request),
    ("memory", lambda cell: cell.pss_mib),
    ("fewer parts", _parts),
)
