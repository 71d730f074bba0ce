"""Floors: rates that columns have to sustain, from `--at-least`, and whether they do.

A floor fails only if the whole interval of the capacity is below it, and holds only if the whole
interval reaches it. In between, the run cannot tell: a noisy machine must not fail a build.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from loadtests.cell import Cell
from loadtests.errors import ServiceError
from loadtests.report.check import Check, Outcome, code_of
from loadtests.report.summary import Summary
from loadtests.report.verdicts import WorkloadVerdict
from loadtests.report.wording import absence, interval_text, shortened
from loadtests.run.file.cells import CellResult
from loadtests.wording import listing


class Floor(NamedTuple):
    """A rate for a column, for a row (`column/row`), or without a name for all other columns."""

    rate: float
    name: str = ""


class _Target(NamedTuple):
    column: str
    row: str = ""  # empty: the row that the answer picks


def floors(text: str, rate: Callable[[str], float]) -> tuple[Floor, ...]:
    """Read `200`, `orders=200,items=50` or `orders/thread-pool=200`; `rate` reads a number.

    Raises ValueError for anything else.
    """
    read = []
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, number = map(str.strip, item.rpartition("="))
        if equals and not name:
            raise ValueError(f"invalid floor {item!r}: expected e.g. 200 or orders=200")
        read.append(Floor(rate(number), name))
    return tuple(read) or (Floor(rate(text)),)


def targets(floors: Iterable[Floor], cells: Collection[Cell]) -> dict[Floor, list[_Target]]:
    """Return what each floor is for. Raises ServiceError for a column or row that is not there."""
    floors = list(floors)
    named = {floor: [_target(floor.name, cells)] for floor in floors if floor.name}
    own = {target.column for [target] in named.values() if not target.row}
    columns = dict.fromkeys(cell.workload for cell in cells)
    rest = [_Target(column) for column in columns if column not in own]
    return {floor: named.get(floor, rest) for floor in floors}


def check_floors(floors: Iterable[Floor], cells: Iterable[Cell]) -> None:
    """Raise ServiceError for a name that does not fit cells whose options are not known yet."""
    bare = [floor._replace(name=floor.name.partition(" · ")[0]) for floor in floors]
    targets(bare, list(cells))


def floor_checks(summary: Summary, floors: Iterable[Floor]) -> list[Check]:
    """Check each floor; columns that have none at all on this machine do not count."""
    cells = {result.cell: result for result in summary.cells}
    verdicts = {verdict.workload: verdict for verdict in summary.verdicts}
    checks = []
    for floor, places in targets(floors, cells).items():
        for column, row in places:
            results = [result for cell, result in cells.items() if cell.workload == column]
            if floor.name or not all(result.unavailable for result in results):
                checks.append(_check(floor.rate, row, results, verdicts[column]))
    return checks


def answer_checks(summary: Summary, floors: Iterable[Floor] = ()) -> list[Check]:
    """Check that the columns which no floor is for have an answer."""
    places = targets(floors, [result.cell for result in summary.cells])
    checked = {place.column for listed in places.values() for place in listed}
    checks = []
    for verdict in summary.verdicts:
        if verdict.workload not in checked:
            measured = [c for c in summary.cells if c.workload == verdict.workload and c.measured]
            outcome: Outcome = "holds" if measured else "cannot tell"
            checks.append(Check(verdict.workload, "has an answer", outcome, verdict.sentence))
    return checks


def exit_code(summary: Summary, checks: Sequence[Check] | None = None) -> int:
    """Return 0 if done, 1 if a floor fails, 3 if that cannot be told, or nothing was measured.

    How the measuring process ended comes first.
    """
    if summary.ended:
        return summary.ended
    if checks is not None:
        return code_of(checks)
    return 0 if any(cell.measured for cell in summary.cells) else code_of(())


def _target(name: str, cells: Collection[Cell]) -> _Target:
    """Find a column, or a row of one: by its label, or by its model if it has a single row."""
    columns = list(dict.fromkeys(cell.workload for cell in cells))
    if name in columns:
        return _Target(name)
    for column in sorted(columns, key=len, reverse=True):  # labels may have slashes themselves
        if name.startswith(f"{column}/"):
            row = name.removeprefix(f"{column}/")
            rows = [cell for cell in cells if cell.workload == column]
            alike = [cell.row for cell in rows if row == cell.row]
            alike = alike or [cell.row for cell in rows if row == cell.model]
            if len(alike) == 1:
                return _Target(column, alike[0])
            known = listing([repr(label) for label in alike or (cell.row for cell in rows)])
            what = "stands for several rows" if alike else "is not a row"
            raise ServiceError(f"--at-least {name!r}: {row!r} {what} of {column!r}; name {known}")
    known = listing([repr(column) for column in columns])
    raise ServiceError(f"--at-least {name!r}: this run has no such column; it has {known}")


def _check(rate: float, row: str, results: Sequence[CellResult], verdict: WorkloadVerdict) -> Check:
    """Compare a row, or the one to use, with a rate."""
    best = max((r for r in results if r.measured), key=lambda r: r.high, default=None)
    row_used = row or verdict.pick or (best.row if best and not verdict.unfit else None)
    cell = next((result for result in results if result.row == row_used), None)
    # A row without a result might be the one to use.
    unfinished = [] if row else [r.row for r in results if not (r.measured or r.unavailable)]
    if cell:
        outcome, clause = _judge(cell, rate, unfinished)
    elif unfinished:
        outcome, clause = "cannot tell", f"unfinished: {shortened(unfinished)}"
    elif verdict.unfit:
        outcome, clause = "fails", f"{shortened(verdict.unfit)} must not be used (see --need)"
    else:
        outcome, clause = "cannot tell", "none of its rows is available here"
    doubt = "cannot tell: " if outcome == "cannot tell" else ""
    return Check(
        verdict.workload,
        f"{f'{row} ' if row else ''}sustains {rate:.10g} req/s",
        outcome,
        f"`{verdict.workload}` at {rate:.10g} req/s: {doubt}{clause}.",
        {
            "at_least": rate,
            "row": row_used,
            "low": cell and cell.held,
            "high": cell and cell.broke,
            "cause": cell and cell.cause,
        },
    )


def _judge(cell: CellResult, rate: float, unfinished: Sequence[str]) -> tuple[Outcome, str]:
    if not cell.measured:
        return "cannot tell", f"{cell.row} has no result ({absence(cell)})"
    load = f"{interval_text(cell)} req/s" if cell.sustained else "no load"
    clause = f"{cell.row} sustains {load}"
    if cell.sustained >= rate:
        return "holds", clause
    if cell.unbounded:
        return "cannot tell", f"{clause}, the limit of the load generator (see --generators)"
    if cell.high >= rate:
        return "cannot tell", clause
    if unfinished:
        return "cannot tell", f"{clause}, but {shortened(unfinished)} may sustain more: unfinished"
    return "fails", clause
