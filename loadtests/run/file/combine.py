"""Make one result of a cell of all searches of it, as they come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from loadtests.capacity.interval import FULL_ERROR, QUICK_ERROR, combine, medians
from loadtests.capacity.prediction import efficiency, score
from loadtests.capacity.search import Capacity, TrialPoint
from loadtests.capacity.support import supported
from loadtests.cell import Bounds, Cell
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Line, Plan, cell_of, result_of
from loadtests.slo import Slo

NO_PROOF = {"line", "at", *Cell._fields}


def with_search(
    before: Mapping[Cell, CellResult], one: CellResult, plan: Plan
) -> Mapping[Cell, CellResult]:
    """Take in one more search of a cell; of one that was repeated, the last time counts."""
    known = before.get(one.cell)
    whole = together(_parts(known, one), plan)
    return {**before, one.cell: replace(whole, proof=known.proof if known else {})}


def with_part(before: Mapping[Cell, CellResult], one: CellResult) -> Mapping[Cell, CellResult]:
    """Keep a search of a cell of which more are to come: to combine them takes long."""
    known = before.get(one.cell)
    parts = tuple(_parts(known, one))
    return {**before, one.cell: replace(one, parts=parts, proof=known.proof if known else {})}


def _parts(known: CellResult | None, one: CellResult) -> list[CellResult]:
    return [*(part for part in (known.parts if known else ()) if part.search != one.search), one]


def with_proof(before: Mapping[Cell, CellResult], line: Line) -> Mapping[Cell, CellResult]:
    """Put what became of a proof to the result of its cell, whose cause may be withdrawn by it."""
    cell = cell_of(line)
    if cell not in before:
        return before
    said = {name: value for name, value in line.items() if name not in NO_PROOF}
    cause = None if said.get("stands") is False else before[cell].cause
    return {**before, cell: replace(before[cell], proof=said, cause=cause)}


def together(parts: Sequence[CellResult], plan: Plan) -> CellResult:
    """Combine the searches of one cell; those without a result do not count if others have one."""
    measured = _ordered(part for part in parts if part.measured)
    if not measured:
        return replace(parts[-1], parts=tuple(parts))
    slo, searches = Slo.parse(plan.slo), [_capacity(part) for part in measured]
    error = FULL_ERROR if plan.mode == "full" else QUICK_ERROR  # that such searches have
    found = combine(searches, slo, error)
    middle, told = measured[len(measured) // 2], _telling(measured)
    ceiling, predicted = _median(measured, "ceiling"), _median(measured, "predicted")
    bounded = found.broke is not None and found.held > 0  # else there is no best guess between
    best = (found.capacity, found.capacity) if bounded else (found.held, found.broke)
    return replace(
        middle,
        held=found.held,
        broke=found.broke,
        interval=(found.low, found.high),
        capacity=found.capacity,
        draws=found.draws,
        searches=tuple((part.bears, part.broke) for part in measured),
        goals=_goals(measured),
        trials=sum(part.trials for part in parts),
        discarded=sum(part.discarded for part in parts),
        warnings=tuple(dict.fromkeys(text for part in measured for text in part.warnings)),
        cause=told.cause,
        cause_evidence=told.cause_evidence,
        broke_by=told.broke_by,
        ceiling=ceiling,
        predicted=predicted,
        score=None if predicted is None else score(predicted, *best),
        efficiency=None if ceiling is None else efficiency(*best, ceiling),
        parts=tuple(parts),
        support=supported(slo, searches) if found.held > 0 else None,
    )


def typical(lines: Sequence[Line]) -> Line:
    """Choose among the searches of a cell the one whose cause is told as that of the cell."""
    told = _telling(_ordered(map(result_of, lines)))
    return next(line for line in reversed(lines) if line.get("search", 0) == told.search)


def _ordered(parts: Iterable[CellResult]) -> list[CellResult]:
    return sorted(parts, key=lambda part: part.midpoint)


def _telling(ordered: Sequence[CellResult]) -> CellResult:
    """Choose one with the most frequent cause; the middle one, if it has that."""
    cause, _ = Counter(part.cause for part in ordered).most_common(1)[0]
    middle = ordered[len(ordered) // 2]
    return next(part for part in (middle, *ordered) if part.cause == cause)


def _capacity(part: CellResult) -> Capacity:
    tried = tuple(TrialPoint(*one) for one in part.tried)
    others = {
        Slo.parse(name): Capacity(held, broke, part.complete, trials=tried)
        for name, (held, broke) in part.goals.items()
    }
    return Capacity(part.bears, part.broke, part.complete, others, tried)


def _goals(measured: Sequence[CellResult]) -> dict[str, Bounds]:
    """What further percentiles allow, from the searches that sought them, where that is shown."""
    names = dict.fromkeys(name for part in measured for name in part.goals)
    goals = {}
    for name in names:
        slo = Slo.parse(name)
        found = [_capacity(part).others[slo] for part in measured if name in part.goals]
        support = supported(slo, found)
        if support is None or support.enough:
            goals[name] = medians(found)
    return goals


def _median(measured: Sequence[CellResult], name: str) -> float | None:
    known = [value for part in measured if (value := getattr(part, name)) is not None]
    return median(known) if known else None
