"""Read a run file: fold its lines, in their order, into one value.

A run that was interrupted goes on in the same file, so later lines may replace earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.interval import FULL_ERROR, QUICK_ERROR, combine, medians
from loadtests.capacity.support import supported
from loadtests.cell import Bounds, Cell
from loadtests.errors import RunFileError
from loadtests.run.file.cells import CellResult, SearchResult, explained, ordered
from loadtests.run.file.lines import (
    Line,
    Plan,
    Run,
    cell_of,
    end_of,
    plan_of,
    resumed,
    search_of,
    trial_of,
)
from loadtests.run.file.run_file import FILE_NAME, SCHEMA, Tail, run_file
from loadtests.slo import Slo

Results = Mapping[Cell, CellResult]
HEAD = {"line", "at", *Cell._fields}  # everything but the figures of a proof


def read(path: Path) -> Run:
    """Read a run file, or the one in a folder; the last line about a cell counts."""
    file = run_file(path)
    lines = Tail(file).read()
    if not lines or lines[0]["line"] != "run":
        raise RunFileError(
            f"{file} does not begin with a complete 'run' line: either it is not a run file, or "
            "its run ended before it measured anything. Run `scripts/survive` again"
        )
    run = with_next(None, lines[0], f"{file}, line 1")
    cells = [(n, line) for n, line in enumerate(lines, start=1) if line["line"] == "cell"]
    last = {tuple(map(line.get, Cell._fields)): n for n, line in cells}.values()
    for number, line in enumerate(lines[1:], start=2):
        more = line["line"] == "cell" and number not in last
        run = with_next(run, line, f"{file}, line {number}", more=more)
    return run


def with_next(run: Run | None, line: Line, place: str = FILE_NAME, *, more: bool = False) -> Run:
    """Add the next line of a run file; its first one, the `run` line, begins it.

    `more` says that further searches of the same cell follow.
    """
    try:
        if run is None or line["line"] == "run":
            plan = plan_of(_of_our_schema(line, place))
            return replace(run, plan=plan, end=None) if run else Run(plan)
        return _with_event(run, line, more=more)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFileError(
            f"{place}: this {line['line']!r} line lacks something ({error}); "
            "it was written by another version of loadbearing, or changed by hand"
        ) from error


def _of_our_schema(line: Line, place: str) -> Line:
    if line.get("schema") != SCHEMA:
        raise RunFileError(
            f"{place}: the run file has schema {line.get('schema')!r}, but this version of "
            f"loadbearing reads schema {SCHEMA}; read it with the version that wrote it "
            f"({line.get('environment', {}).get('version') or 'unknown'}), or run it again"
        )
    return line


def with_search(
    before: Results, search: SearchResult, plan: Plan, *, more: bool = False
) -> Results:
    """Add a search of a cell; if it was repeated, the last time counts.

    Combining searches takes long, so it is left for later where there are `more`.
    """
    known = before.get(search.cell)
    others = [other for other in known.searches if other.search != search.search] if known else []
    searches = (*others, search)
    result = CellResult(search.cell, searches) if more else together(searches, plan)
    return {**before, search.cell: replace(result, proof=known.proof if known else {})}


def together(searches: Sequence[SearchResult], plan: Plan) -> CellResult:
    """Combine all searches of one cell; those without a result count only if all are."""
    result = CellResult(searches[-1].cell, tuple(searches))
    capacities = [search.capacity for search in result.valid if search.capacity]
    if not capacities:
        return result
    bias = FULL_ERROR if plan.mode == "full" else QUICK_ERROR  # of such searches
    interval = combine(capacities, plan.slo, bias)
    return replace(
        result,
        interval=interval,
        goals=_goals(capacities),
        support=supported(plan.slo, capacities) if interval.held > 0 else None,
    )


def typical(lines: Sequence[Line]) -> Line:
    """Return the line of the search whose cause is that of the cell, from those of all searches."""
    chosen = explained(ordered(map(search_of, lines)))
    return next(line for line in reversed(lines) if line.get("search", 0) == chosen.search)


def _goals(capacities: Iterable[Capacity]) -> dict[str, Bounds]:
    """Combine the bounds for further percentiles, where there were enough requests to show them."""
    by_slo: dict[Slo, list[Capacity]] = {}
    for capacity in capacities:
        for slo, other in capacity.others.items():
            by_slo.setdefault(slo, []).append(other)
    goals = {}
    for slo, others in by_slo.items():
        support = supported(slo, others)
        if support is None or support.enough:
            goals[str(slo)] = medians(others)
    return goals


def _with_event(run: Run, line: Line, *, more: bool) -> Run:
    """Change the run as a line says; other kinds of lines do not change it."""
    results = run.results
    match line["line"]:
        case "resumed":
            run = replace(run, plan=resumed(run.plan, line), end=None)
        case "cell-start":  # forget the trials of a search that was abandoned, now repeated
            again = (cell_of(line), line.get("search", 0))
            trials = tuple(trial for trial in run.trials if (trial.cell, trial.search) != again)
            run = run if len(trials) == len(run.trials) else replace(run, trials=trials)
        case "trial":
            run = replace(run, trials=(*run.trials, trial_of(line)))
        case "cell":
            results = with_search(results, search_of(line), run.plan, more=more)
            run = replace(run, results=results)
        case "proof" if result := results.get(cell_of(line)):
            proved = replace(result, proof=_figures(line))
            run = replace(run, results={**results, result.cell: proved})
        case "beyond":
            cell, figures = cell_of(line), _figures(line, "elapsed_s", "kind")
            kinds = {**run.beyond.get(cell, {}), line["kind"]: figures}
            run = replace(run, beyond={**run.beyond, cell: kinds})
        case "end":
            run = replace(run, end=end_of(line))
    return run


def _figures(line: Line, *others: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in HEAD | {*others}}
