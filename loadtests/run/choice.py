"""Which row to use for a workload, and by what those that tie with it were told apart.

A tie is a result: rows that sustain as much differ in what they cost. The first of `RULES` that
tells them apart decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtests.run.file.cells import CellResult, Standing
from loadtests.run.file.lines import Plan
from loadtests.run.options import BASELINE, promises

SAME = 1.2  # times as much: costs of a few trials differ by so much by chance
SIZES = re.compile(r"\b(\d+) [a-z]")  # in the label of a variant
NOTABLE = 1.1  # times as much: the least that is worth a claim, or an explanation
Lacks = Mapping[str, Mapping[str, str]]  # promises that a model does not keep, with the reasons
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
    less, another one than `baseline` if there is one: the row that people have, if it was
    measured. `unfit` are rows that sustain as much or more without the promises that are needed,
    each with the reason, and `broken` the promises that one of them does not keep.
    """

    workload: str
    pick: CellResult | None = None
    ties: tuple[CellResult, ...] = ()
    decided_by: str = ""
    beaten: CellResult | None = None
    baseline: CellResult | None = None
    unfit: Mapping[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

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
    """Return the best row and those that tie with it; all at the generator's limit do.

    Where the best of all is not among these rows, those tie that the best of them does not beat.
    """
    best = best_first[0] if best_first else None
    among = best is not None and best.row in standing.ties
    return [
        cell
        for number, cell in enumerate(best_first)
        if cell.sustained
        and (not number or cell.unbounded or _may_be_best(cell, best, standing, among=among))
    ]


def _may_be_best(
    cell: CellResult, best: CellResult | None, standing: Standing, *, among: bool
) -> bool:
    if among or best is None or best.unbounded:
        return cell.row in standing.ties
    known = standing.ratio(best.row, cell.row)
    return known is not None and known.low <= 1


def lacking(need: Sequence[str], cannot: Lacks) -> Lacks:
    """Return the models that do not keep some promise that is needed, with the reasons."""
    return {
        model: broken
        for model, reasons in cannot.items()
        if (broken := {name: reasons[name] for name in need if name in reasons})
    }


def wishes(plan: Plan) -> dict[str, Any]:
    """Return what the user wants of a choice, as `choose` takes it."""
    need = plan.arguments.get("need")
    return {
        "baseline": plan.arguments.get("baseline") or BASELINE,
        "lacks": lacking(promises(need) if need else (), plan.cannot),
    }


def choose(
    workload: str,
    results: Iterable[CellResult],
    standing: Standing | None,
    baseline: str = BASELINE,
    lacks: Lacks | None = None,
) -> Choice:
    """Choose among the rows of one workload; `baseline` is a row, or the model of one.

    Rows of the models in `lacks` are never picked: they lack a promise that is needed.
    """
    standing, order, lacks = standing or Standing(workload), ranked(results), lacks or {}
    fit = [cell for cell in order if cell.model not in lacks]
    ties = tied(fit, standing)
    best = ties[0] if ties else None
    passed = order[: order.index(best)] if best else order
    unfit = [
        cell
        for cell in order
        if cell.model in lacks
        and cell.sustained
        and (cell in passed or cell.row in standing.ties or cell.unbounded)
    ]
    broken = tuple(dict.fromkeys(name for cell in unfit for name in lacks[cell.model]))
    reasons = {cell.row: next(iter(lacks[cell.model].values())) for cell in unfit}
    if best is None:
        have = _baseline(order, baseline, "")
        return Choice(workload, baseline=have, unfit=reasons, broken=broken)
    pick, decided_by = _cheapest(ties)
    have = _baseline(order, baseline, pick.variant)
    # At the limit of the generator no ratio is known, but those that do not tie are behind.
    less = [
        cell
        for cell in fit
        if cell not in ties
        and cell.sustained
        and (best.unbounded or standing.more(best.row, cell.row))
    ]
    others = [cell for cell in less if cell is not have and _notably(standing, best, cell)] or less
    alike = [cell for cell in others if not standing.more(others[0].row, cell.row)]
    beaten = _cheapest(alike)[0] if alike else None
    rest = (cell for cell in ties if cell is not pick)
    return Choice(workload, pick, (pick, *rest), decided_by, beaten, have, reasons, broken)


def _notably(standing: Standing, best: CellResult, cell: CellResult) -> bool:
    ratio = standing.ratio(best.row, cell.row)
    return ratio is None or ratio.value >= NOTABLE


def _baseline(cells: Sequence[CellResult], name: str, variant: str) -> CellResult | None:
    """Find the row of this name; or of this model, with the same options if there are several."""
    rows = [cell for cell in cells if cell.row == name]
    rows += [cell for cell in cells if cell.model == name and cell.variant == variant]
    rows += [cell for cell in cells if cell.model == name]
    return next(iter(rows), None)


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


def _size(cell: CellResult) -> float:
    """Return how many threads, processes or workers it has in all, as far as its label says."""
    return math.prod(map(int, SIZES.findall(cell.variant)), start=1)


RULES: tuple[tuple[str, Callable[[CellResult], float | None]], ...] = (
    ("CPU per request", lambda cell: cell.cpu_ms_per_request),
    ("memory", lambda cell: cell.pss_mib),
    ("fewer parts", _parts),
    ("a smaller size", _size),
)
