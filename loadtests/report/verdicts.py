"""What follows for each workload, in plain sentences.

How many times as much one row sustains as another is known from trials of the same rounds only: it
is never the quotient of two capacities.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from loadtests.capacity.estimate import Range
from loadtests.cell import Cell
from loadtests.report.wording import cause_sentence, interval_text, ratio_text
from loadtests.run.choice import ranked, tied
from loadtests.run.file.cells import CellResult, Standing
from loadtests.slo import Slo
from loadtests.wording import listing, rate_text

POOLS = {"thread-pool", "process-pool"}  # `hybrid` runs a workload of one stage in one of these


@dataclass(frozen=True, slots=True)
class WorkloadVerdict:
    """Which row to use for a workload; `ties` are all that may be the best.

    `pick` is None if no row sustains any load, and `sentence` says why. `beaten` is the best row
    that sustains significantly less, and `ratio` how many times as much the pick sustains, where
    that is known; `more` is the same beside `baseline`, the row that people have. The parts of the
    answer are how much the pick sustains (`rate`), `why`, what to do `next`, and how `sure` it is;
    `sentence` is all of them. `pythons` compares the Pythons of each model, if there were several.
    """

    workload: str
    pick: str | None
    sentence: str
    ties: tuple[str, ...] = ()
    ratio: Range | None = None
    beaten: str | None = None
    baseline: str | None = None
    more: Range | None = None
    rate: str = ""
    why: str = ""
    next: str = ""
    sure: str = ""
    pythons: tuple[str, ...] = ()


def judge_workload(
    workload: str, results: Iterable[CellResult], standing: Standing | None, slo: Slo
) -> WorkloadVerdict:
    """Compare the rows of one workload that have a result."""
    cells = list(results)
    standing = standing or Standing(workload)
    order = ranked(cells)
    unfinished = [cell for cell in cells if not (cell.measured or cell.unavailable)]
    if not order:
        return WorkloadVerdict(workload, None, _nothing(workload, cells))
    best = order[0]
    if not best.sustained:
        rows = _rows(order)
        none = f"{listing(rows)} {_verb('sustain', rows)} no"
        if len(rows) > 1 and not unfinished:
            none = "no model sustains any"
        clauses = [f"`{workload}`: {none} load at {slo}{_why(order)}", _open(unfinished)]
        return WorkloadVerdict(workload, None, _sentence(clauses))
    ties = _ties(order, standing)
    others = [cell for cell in order if cell not in ties]
    # At the limit of the generator no ratio is known, but those that do not tie are behind.
    less = (c for c in others if c.sustained and (best.unbounded or standing.more(best.row, c.row)))
    beaten = next(less, None)
    ratio = _known(standing, best, beaten) if beaten else None
    clauses = [
        _head(workload, ties, slo) + _beaten(best, ties, beaten, ratio),
        _limit(ties, others, beaten),
        _open(unfinished),
    ]
    return WorkloadVerdict(
        workload,
        best.row,
        _sentence(clauses),
        _rows(ties),
        ratio,
        beaten.row if beaten else None,
        pythons=tuple(_pythons(workload, order, standing)),
    )


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
    """Return the best cell of each workload and those tied with it, if rows compete."""
    columns: dict[str, list[CellResult]] = {}
    for result in ranked(results):
        columns.setdefault(result.workload, []).append(result)
    return {
        cell.cell
        for name, column in columns.items()
        if len(column) > 1
        for cell in _ties(column, standings.get(name) or Standing(name))
    }


def _ties(ordered: Sequence[CellResult], standing: Standing) -> list[CellResult]:
    """Return the rows that tie with the best; a pool is named before `hybrid`, which uses it."""
    return sorted(tied(ordered, standing), key=lambda cell: cell.model == "hybrid")


def _rows(cells: Sequence[CellResult]) -> tuple[str, ...]:
    return tuple(cell.row for cell in cells)


def _verb(verb: str, rows: Sequence[str]) -> str:
    return f"{verb}s" if len(rows) == 1 else verb


def _sentence(clauses: Iterable[str]) -> str:
    return "; ".join(filter(None, clauses)) + "."


def _open(unfinished: Sequence[CellResult]) -> str:
    if not unfinished:
        return ""
    return f"{listing(_rows(unfinished))} {'is' if len(unfinished) == 1 else 'are'} unfinished"


def _known(standing: Standing, cell: CellResult, other: CellResult) -> Range | None:
    """Return a ratio whose interval has two ends."""
    ratio = standing.ratio(cell.row, other.row)
    return ratio if ratio and ratio.low > 0 and isfinite(ratio.high) else None


def _head(workload: str, ties: Sequence[CellResult], slo: Slo) -> str:
    rates = listing([interval_text(cell) for cell in ties]).replace("≥", "at least")
    if len(ties) == 1:
        return f"`{workload}`: {ties[0].row} sustains {rates} req/s at {slo}"
    rows = f"`{workload}`: {listing(_rows(ties))} sustain"
    same = len(ties) == 2 and ties[0].python == ties[1].python
    if same and ties[0].model in POOLS and ties[1].model == "hybrid":
        return f"{rows} the same: {rates} req/s at {slo}"
    return f"{rows} {rates} req/s at {slo} (no significant difference in this run)"


def _beaten(
    best: CellResult, ties: Sequence[CellResult], beaten: CellResult | None, ratio: Range | None
) -> str:
    """Say how much more the best sustains than the next; only its capacity without a ratio."""
    if beaten is None:
        return ""
    if ratio is None:
        return f", {beaten.row} {interval_text(beaten)}"
    rate = interval_text(beaten)
    if len(ties) == 1:
        return f", {ratio_text(ratio)} {beaten.row} ({rate})"
    return f", {best.row} {ratio_text(ratio)} as much as {beaten.row} ({rate})"


def _pythons(workload: str, ranked: Sequence[CellResult], standing: Standing) -> Iterator[str]:
    """Compare each model's best Python with those that sustain significantly less."""
    for model in dict.fromkeys(cell.model for cell in ranked):
        best, *others = (cell for cell in ranked if cell.model == model)
        ratios = {
            cell.python: ratio
            for cell in others
            if (ratio := _known(standing, best, cell)) and ratio.low > 1
        }
        none = [cell.python for cell in others if not cell.sustained]
        clauses = [
            f"{ratio_text(ratio)} as much {'' if number else f'on {best.python} '}as on {python}"
            for number, (python, ratio) in enumerate(ratios.items())
        ]
        if none and best.sustained:
            clauses.append(
                f"{'' if clauses else f'load on {best.python}, '}none on {listing(none)}"
            )
        if clauses:
            yield f"`{workload}`: {model} sustains {', '.join(clauses)}."


def _limit(
    ties: Sequence[CellResult], others: Sequence[CellResult], beaten: CellResult | None
) -> str:
    """Say what runs out beyond the capacity: that of the worst row, or of those that tie."""
    if none := [cell for cell in others if not cell.sustained]:
        rows = _rows(none)
        return f"{listing(rows)} {_verb('sustain', rows)} no load{_why(none)}"
    if others:
        worst, beyond = others[-1], _beyond(others[-1])
        if worst is beaten:  # whose interval is in the clause before
            return f"under {worst.row}, {beyond}" if beyond else ""
        capacity = f"{worst.row} sustains {interval_text(worst)}"
        return f"{capacity}: {beyond}" if beyond else capacity
    if any(cell.unbounded for cell in ties):
        return "the load generator reached its limit first"
    if len(ties) > 1:
        cause = _shared_cause(ties)
        return f"at higher rates, {cause}" if cause else ""
    return _beyond(ties[0])


def _beyond(cell: CellResult) -> str:
    cause = cause_sentence(cell)
    return f"above {rate_text(cell.high)} req/s, {cause}" if cause else ""


def _nothing(workload: str, cells: Sequence[CellResult]) -> str:
    reasons = {cell.unavailable for cell in cells}
    if None in reasons or not cells:
        return _no_result(f"`{workload}`")
    why = f": {reasons.pop()}" if len(reasons) == 1 else ""
    return f"`{workload}`: none of the requested models is available{why}."


def _no_result(workloads: str) -> str:
    return f"{workloads}: no result in this run."


def _why(cells: Sequence[CellResult]) -> str:
    rates = [cell.high for cell in cells if cell.high]
    cause = _shared_cause(cells)
    at = f": even {rate_text(max(rates))} req/s is too much" if rates else ""
    return at + (f" ({cause})" if cause else "")


def _shared_cause(cells: Sequence[CellResult]) -> str:
    causes = {cause_sentence(cell) for cell in cells}
    return causes.pop() if len(causes) == 1 else ""
