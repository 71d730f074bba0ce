"""What follows for each workload, in plain sentences that rest on the intervals alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor

from loadtests.capacity.interval import ratio
from loadtests.cell import Cell
from loadtests.report.wording import cause_sentence, interval_text, not_shown
from loadtests.run.file.cells import CellResult, Standing
from loadtests.slo import Slo
from loadtests.wording import TIMES, listing, rate_text

POOLS = {"thread-pool", "process-pool"}  # `hybrid` runs a workload of one stage in one of these


@dataclass(frozen=True, slots=True)
class WorkloadVerdict:
    """Which row sustains most of a workload; `tied` are all that do not differ significantly.

    `best` is None if no row sustains any load, and `sentence` says why. `pythons` compares the
    Pythons of each model, if there were several.
    """

    workload: str
    best: str | None
    sentence: str
    tied: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()


def judge_workload(workload: str, results: Iterable[CellResult], slo: Slo) -> WorkloadVerdict:
    """Compare the rows of one workload that had enough requests for the objective."""
    cells = list(results)
    ranked = [cell for cell in cells if cell.shown]
    ranked.sort(key=lambda cell: (cell.sustained and cell.midpoint, cell.sustained), reverse=True)
    unsure = [cell for cell in cells if cell.lack]
    if unsure and not any(cell.sustained for cell in ranked):
        return WorkloadVerdict(workload, None, not_shown(workload, unsure, slo))
    if not ranked:
        return WorkloadVerdict(workload, None, _nothing(workload, cells))
    best = ranked[0]
    if not best.sustained:
        none = f"{best.row} sustains no" if len(ranked) == 1 else "no model sustains any"
        sentence = f"`{workload}`: {none} load at {slo}{_why(ranked)}."
        return WorkloadVerdict(workload, None, sentence)
    tied = [cell for cell in ranked if cell.sustained and not _more(best, cell)]
    tied.sort(key=lambda cell: cell.model == "hybrid")  # stable: the pool is named first
    others = [cell for cell in ranked if cell not in tied]
    # The best of those that sustain significantly less than each of the tied cells.
    less = (cell for cell in others if cell.sustained and all(_more(top, cell) for top in tied))
    beaten = next(less, None)
    clauses = (
        _head(workload, tied, slo) + _ratio(tied, beaten),
        _break(tied, others, beaten),
        f"{listing(_rows(unsure))} had too few requests to compare" if unsure else "",
    )
    sentence = "; ".join(filter(None, clauses)) + "."
    pythons = tuple(_pythons(workload, ranked))
    return WorkloadVerdict(workload, best.row, sentence, _rows(tied), pythons)


def sentences(verdicts: Iterable[WorkloadVerdict]) -> Iterator[str]:
    """Yield all sentences; workloads that lack a result share one, at the end."""
    missing = []
    for verdict in verdicts:
        if verdict.sentence == _no_result(f"`{verdict.workload}`"):
            missing.append(f"`{verdict.workload}`")
        else:
            yield from (verdict.sentence, *verdict.pythons)
    if missing:
        yield _no_result(listing(missing))


def leaders(results: Iterable[CellResult], standings: Mapping[str, Standing]) -> set[Cell]:
    """Return the rows of each workload that may be the best, if rows compete."""
    return {
        result.cell
        for result in results
        for standing in [standings.get(result.workload, Standing(result.workload))]
        if result.measured and len(standing.rows) > 1 and result.row in standing.ties
    }


def _more(cell: CellResult, other: CellResult) -> bool:
    """Whether a cell sustains significantly more: the interval of the ratio excludes 1."""
    least = ratio(cell.interval, other.interval)[0] if cell.interval and other.interval else 0.0
    return least > 1


def _rows(cells: Sequence[CellResult]) -> tuple[str, ...]:
    return tuple(cell.row for cell in cells)


def _head(workload: str, tied: Sequence[CellResult], slo: Slo) -> str:
    rates = listing([interval_text(cell) for cell in tied])
    if len(tied) == 1:
        rate = rates.replace("≥", "at least")
        return f"`{workload}`: {tied[0].row} sustains {rate} req/s at {slo}"
    rows = f"`{workload}`: {listing(_rows(tied))} sustain"
    same = len(tied) == 2 and tied[0].python == tied[1].python
    if same and tied[0].model in POOLS and tied[1].model == "hybrid":
        return f"{rows} the same: {rates} req/s at {slo}"
    return f"{rows} {rates} req/s at {slo} (no significant difference in this run)"


def _ratio(tied: Sequence[CellResult], beaten: CellResult | None) -> str:
    if beaten is None:
        return ""
    weakest = min(tied, key=lambda cell: cell.sustained)
    return f", {_times(weakest, beaten)} {beaten.row} ({interval_text(beaten)})"


def _times(cell: CellResult, other: CellResult) -> str:
    ratio = cell.sustained / other.sustained
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.05 else 2
    least = ""
    if cell.unbounded:
        least, ratio = "at least ", floor(ratio * 10**digits) / 10**digits
    return f"{least}{ratio:.{digits}f} {TIMES}"


def _pythons(workload: str, ranked: Sequence[CellResult]) -> Iterator[str]:
    """Compare each model's best Python with those that sustain significantly less."""
    for model in dict.fromkeys(cell.model for cell in ranked):
        best, *others = (cell for cell in ranked if cell.model == model)
        less = [cell for cell in others if cell.sustained and _more(best, cell)]
        none = [cell.python for cell in others if not cell.sustained]
        clauses = [
            f"{_times(best, cell)} as much {'' if number else f'on {best.python} '}"
            f"as on {cell.python}"
            for number, cell in enumerate(less)
        ]
        if none and best.sustained:
            clauses.append(f"{'' if less else f'load on {best.python}, '}none on {listing(none)}")
        if clauses:
            yield f"`{workload}`: {model} sustains {', '.join(clauses)}."


def _break(
    tied: Sequence[CellResult], others: Sequence[CellResult], beaten: CellResult | None
) -> str:
    """Say what ran out, at the rate of a trial that broke, which need not be in the interval."""
    if none := [cell for cell in others if not cell.sustained]:
        verb = "sustains" if len(none) == 1 else "sustain"
        return f"{listing(_rows(none))} {verb} no load{_why(none)}"
    if others:
        worst, at_break = others[-1], _at_break(others[-1])
        if worst is beaten:  # whose interval is in the clause before
            return f"under {worst.row}, {at_break}" if at_break else ""
        capacity = f"{worst.row} sustains {interval_text(worst)}"
        return f"{capacity}: {at_break}" if at_break else capacity
    if len(tied) > 1:
        cause = _shared_cause(tied)
        return f"at higher rates, {cause}" if cause else ""
    if tied[0].broke is None:
        return "the search reached its upper limit first"
    return _at_break(tied[0])


def _at_break(cell: CellResult) -> str:
    cause = cause_sentence(cell)
    return f"at {rate_text(cell.broke or cell.high)} req/s, {cause}" if cause else ""


def _nothing(workload: str, cells: Sequence[CellResult]) -> str:
    reasons = {cell.unavailable for cell in cells}
    if None in reasons or not cells:
        return _no_result(f"`{workload}`")
    why = f": {reasons.pop()}" if len(reasons) == 1 else ""
    return f"`{workload}`: none of the requested models is available{why}."


def _no_result(workloads: str) -> str:
    return f"{workloads}: no result in this run."


def _why(cells: Sequence[CellResult]) -> str:
    rates = [cell.broke for cell in cells if cell.broke]
    cause = _shared_cause(cells)
    at = f": even {rate_text(max(rates))} req/s is too much" if rates else ""
    return at + (f" ({cause})" if cause else "")


def _shared_cause(cells: Sequence[CellResult]) -> str:
    causes = {cause_sentence(cell) for cell in cells}
    return causes.pop() if len(causes) == 1 else ""
