"""Plain sentences for each workload, drawn from intervals alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from loadtests.capacity.interval import ratio
from loadtests.report.wording import cause_sentence, interval_text, not_shown
from loadtests.wording import TIMES, listing, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult

POOLS = {"thread-pool", "process-pool"}  # `hybrid` runs a workload of one stage in one of these


@dataclass(frozen=True, slots=True)
class WorkloadVerdict:
    """Which row bears most of a workload; `tied` names all that cannot be told from it.

    `pythons` says what a Python changes for a model, where several were measured.
    """

    workload: str
    best: str | None
    sentence: str
    tied: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        return (self.sentence, *self.pythons)


def judge_workload(workload: str, results: Iterable[CellResult], slo: str) -> WorkloadVerdict:
    """Compare the rows of one workload, of those that had requests enough for the objective."""
    cells = list(results)
    ranked = sorted((cell for cell in cells if cell.shown), key=_rank, reverse=True)
    unsure = [cell for cell in cells if cell.lack]
    if unsure and not any(cell.bears for cell in ranked):
        return WorkloadVerdict(workload, None, not_shown(workload, unsure, slo))
    if not ranked:
        return WorkloadVerdict(workload, None, _nothing(workload, cells))
    best = ranked[0]
    if not best.bears:
        return WorkloadVerdict(workload, None, _none_bears(workload, ranked, slo))
    tied = [cell for cell in ranked if cell.bears and not _more(best, cell)]
    tied.sort(key=lambda cell: cell.model == "hybrid")  # stable: the pool is named first
    others = [cell for cell in ranked if cell not in tied]
    beaten = _beaten(tied, others)
    clauses = [_head(workload, tied, slo) + _ratio(tied, beaten), *_breaks(tied, others, beaten)]
    clauses += [f"{listing(_rows(unsure))} had too few requests to compare"] if unsure else []
    pythons = tuple(_pythons(workload, ranked))
    return WorkloadVerdict(workload, best.row, "; ".join(clauses) + ".", _rows(tied), pythons)


def leaders(results: Iterable[CellResult], slo: str) -> set[Cell]:
    """Return the best cell of each workload, and those tied with it, where rows compete."""
    columns: dict[str, list[CellResult]] = {}
    for result in (one for one in results if one.shown):
        columns.setdefault(result.workload, []).append(result)
    return {
        cell.cell
        for workload, column in columns.items()
        for cell in column
        if len(column) > 1 and cell.row in judge_workload(workload, column, slo).tied
    }


def _rank(cell: CellResult) -> tuple[float, float]:
    return cell.midpoint if cell.bears else 0.0, cell.bears


def _more(one: CellResult, other: CellResult) -> bool:
    """Whether one bears more, as far as that can be told: the interval of the ratio excludes 1."""
    least = ratio(one.interval, other.interval)[0] if one.interval and other.interval else 0.0
    return least > 1


def _rows(cells: Sequence[CellResult]) -> tuple[str, ...]:
    return tuple(cell.row for cell in cells)


def _head(workload: str, tied: Sequence[CellResult], slo: str) -> str:
    if len(tied) == 1:
        rate = interval_text(tied[0]).replace("≥", "at least")
        return f"For `{workload}`, {tied[0].row} bears {rate} req/s within {slo}"
    rates = f"{listing([interval_text(cell) for cell in tied])} req/s within {slo}"
    same = len(tied) == 2 and tied[0].python == tied[1].python
    if same and tied[0].model in POOLS and tied[1].model == "hybrid":
        return f"For `{workload}`, {listing(_rows(tied))} bear the same: {rates}"
    return f"For `{workload}`, {listing(_rows(tied))} cannot be told apart in this run: {rates}"


def _beaten(tied: Sequence[CellResult], others: Sequence[CellResult]) -> CellResult | None:
    """The best of those that bear less than all the best, as far as that can be told."""
    less = (cell for cell in others if cell.bears and all(_more(one, cell) for one in tied))
    return next(less, None)


def _ratio(tied: Sequence[CellResult], beaten: CellResult | None) -> str:
    if beaten is None:
        return ""
    weakest = min(tied, key=lambda cell: cell.bears)
    return f", {_times(weakest, beaten)} {beaten.row} ({interval_text(beaten)})"


def _times(one: CellResult, other: CellResult) -> str:
    ratio = one.bears / other.bears
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.05 else 2
    least = ""
    if one.unbounded:
        least, ratio = "at least ", floor(ratio * 10**digits) / 10**digits
    return f"{least}{ratio:.{digits}f} {TIMES}"


def _pythons(workload: str, ranked: Sequence[CellResult]) -> Iterator[str]:
    """Compare each model's best Python with those that clearly bear less."""
    for model in dict.fromkeys(cell.model for cell in ranked):
        best, *others = (cell for cell in ranked if cell.model == model)
        less = [cell for cell in others if cell.bears and _more(best, cell)]
        none = [cell.python for cell in others if not cell.bears]
        clauses = [
            f"{_times(best, cell)} {'' if number else f'on {best.python} '}"
            f"what it bears on {cell.python}"
            for number, cell in enumerate(less)
        ]
        if none and best.bears:
            clauses.append(f"{'' if less else f'load on {best.python}, '}none on {listing(none)}")
        if clauses:
            yield f"{model} bears {', '.join(clauses)} (`{workload}`)."


def _breaks(
    tied: Sequence[CellResult], others: Sequence[CellResult], beaten: CellResult | None
) -> list[str]:
    """Tell what ended at the rate of a trial that broke, beside the interval, which is another."""
    if not others:
        return _own_break(tied)
    none = [cell for cell in others if not cell.bears]
    if none:
        verb = "bears" if len(none) == 1 else "bear"
        return [f"{listing(_rows(none))} {verb} no load{_why(none)}"]
    worst = others[-1]
    said = _at_break(worst)
    if worst is beaten:  # whose interval has just been said
        return [f"under {worst.row}, {said}"] if said else []
    bears = f"{worst.row} bears {interval_text(worst)}"
    return [f"{bears}: {said}" if said else bears]


def _at_break(cell: CellResult) -> str:
    cause = cause_sentence(cell)
    return f"at {rate_text(cell.broke or cell.high)} req/s, {cause}" if cause else ""


def _own_break(tied: Sequence[CellResult]) -> list[str]:
    if len(tied) > 1:
        cause = _shared_cause(tied)
        return [f"beyond that, {cause}"] if cause else []
    if tied[0].broke is None:
        return ["the search met its upper limit before it broke"]
    said = _at_break(tied[0])
    return [said] if said else []


def _none_bears(workload: str, cells: Sequence[CellResult], slo: str) -> str:
    subject = cells[0].row if len(cells) == 1 else "no model"
    verb = "bears no load" if len(cells) == 1 else "bears any load"
    return f"For `{workload}`, {subject} {verb} within {slo}{_why(cells)}."


def _nothing(workload: str, cells: Sequence[CellResult]) -> str:
    reasons = {cell.unavailable for cell in cells}
    if None in reasons or not cells:
        return f"For `{workload}`, this run has no result."
    why = f": {reasons.pop()}" if len(reasons) == 1 else ""
    return f"For `{workload}`, no asked-for model exists{why}."


def _why(cells: Sequence[CellResult]) -> str:
    rates = [cell.broke for cell in cells if cell.broke]
    cause = _shared_cause(cells)
    at = f"even {rate_text(max(rates))} req/s is too much" if rates else ""
    return "".join(f": {text}" for text in (at,) if text) + (f" ({cause})" if cause else "")


def _shared_cause(cells: Sequence[CellResult]) -> str:
    causes = {cause_sentence(cell) for cell in cells}
    return causes.pop() if len(causes) == 1 else ""
