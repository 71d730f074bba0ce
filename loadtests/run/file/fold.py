"""Read a run file: fold its lines, in their order, into one value.

A run that was interrupted goes on in the same file, so later lines may replace earlier ones.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.cell import Cell
from loadtests.errors import RunFileError
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import (
    Line,
    Run,
    cell_of,
    end_of,
    plan_of,
    result_of,
    resumed,
    standing_of,
    trial_of,
    with_variation,
)
from loadtests.run.file.run_file import FILE_NAME, SCHEMA, Tail, run_file

HEAD = {"line", "at", *Cell._fields, "python"}  # everything but the figures of a proof


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
    for number, line in enumerate(lines[1:], start=2):
        run = with_next(run, line, f"{file}, line {number}")
    return run


def with_next(run: Run | None, line: Line, place: str = FILE_NAME) -> Run:
    """Add the next line of a run file; its first one, the `run` line, begins it."""
    try:
        if run is None or line["line"] == "run":
            plan = plan_of(_of_our_schema(line, place))
            return replace(run, plan=plan, end=None) if run else Run(plan)
        if line["line"] == "variation":
            return replace(run, plan=with_variation(run.plan, line))
        return _with_event(run, line)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFileError(
            f"{place}: this {line['line']!r} line lacks something ({error}); "
            "it was written by another version of loadbearing, or changed by hand"
        ) from error


def _of_our_schema(line: Line, place: str) -> Line:
    schema, surge = line.get("schema"), line.get("mode") == "surge"
    if surge or schema != SCHEMA:
        kept, reads = f"has schema {schema!r}", f"schema {SCHEMA}"
        if surge:  # which is part of a survival run today
            kept, reads = "is that of a surge", "those of survival runs"
        raise RunFileError(
            f"{place}: the run file {kept}, but this version of loadbearing reads {reads}; "
            "read it with the version that wrote it "
            f"({line.get('environment', {}).get('version') or 'unknown'}), or run it again"
        )
    return line


def _with_event(run: Run, line: Line) -> Run:
    """Change the run as a line says; other kinds of lines do not change it."""
    results = run.results
    match line["line"]:
        case "resumed":
            run = replace(run, plan=resumed(run.plan, line), end=None)
        case "trial":
            run = replace(run, trials=(*run.trials, trial_of(line)))
        case "cell":
            last, known = result_of(line), results.get(cell_of(line))
            if known:
                last = replace(last, proof=known.proof, guilty=known.guilty)
            run = replace(run, results={**results, last.cell: last})
        case "standing":
            standing = standing_of(line)
            if standing.again is None and (before := run.standings.get(standing.workload)):
                standing = replace(standing, again=before.again)  # of another part of its rows
            run = replace(run, standings={**run.standings, standing.workload: standing})
        case "proof" | "autopsy" if result := results.get(cell_of(line)):
            run = _looked_into(run, result, line)
        case "beyond":
            cell, figures = cell_of(line), _figures(line, "elapsed_s", "kind")
            kinds = {**run.beyond.get(cell, {}), line["kind"]: figures}
            run = replace(run, beyond={**run.beyond, cell: kinds})
        case "end":
            run = replace(run, end=end_of(line))
    return run


def _looked_into(run: Run, result: CellResult, line: Line) -> Run:
    """Add the outcome of a proof or of an autopsy to the result of a cell."""
    if line["line"] == "proof":
        result = replace(result, proof=_figures(line))
    else:
        result = replace(result, guilty=line["guilty"])
        run = replace(run, stacks={**run.stacks, result.cell: line.get("stacks") or {}})
    return replace(run, results={**run.results, result.cell: result})


def _figures(line: Line, *others: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in HEAD | {*others}}
