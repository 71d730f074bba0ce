"""Run files made by hand, as the measuring process writes them."""

from __future__ import annotations

import math
from contextlib import closing
from itertools import combinations
from typing import TYPE_CHECKING, Any

from loadtests.capacity.estimate import Range
from loadtests.run.file.cells import RowRatio
from loadtests.run.file.lines import result_of
from loadtests.run.file.run_file import RunFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Line

ENVIRONMENT: dict[str, Any] = {
    "version": "0.1.0",
    "system": "Linux",
    "kernel": "6.1.0-18-amd64",
    "cpu": "Intel Xeon Platinum 8375C",
    "cores": 2,
    "memory_gib": 23.5,
    "python": "3.11.7",
    "implementation": "CPython",
    "gil": True,
    "load_average": [0.1, 0.1, 0.1],
    "server": {
        "python": "3.11.7",
        "gil": True,
        "loop": "uvloop 0.22.1",
        "cores": 2,
        "threads": 8,
        "processes": 2,
        "start_method": "forkserver",
    },
}
NO_TWIN = "no native async twin"


def plan(cells: Iterable[tuple[str, ...]], **changes: Any) -> dict[str, Any]:
    return {
        "line": "run",
        "schema": 2,
        "started": "2026-11-22T18:00:00Z",
        "environment": ENVIRONMENT,
        "arguments": {},
        "seed": 1,
        "slo": "p99<250ms",
        "mode": "quick",
        "cells": [dict(zip(("workload", "model", "python"), cell, strict=False)) for cell in cells],
    } | changes


def result(
    workload: str,
    model: str,
    low: float | None,
    high: float | None,
    broke_by: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Make the line of a cell with this interval; without `high` the generator was the limit."""
    interval = None if low is None else [low if high is None else _middle(low, high), low, high]
    return {
        "line": "cell",
        "workload": workload,
        "model": model,
        "at": 30.0,
        "state": "unfinished" if low is None else "measured" if high else "at generator limit",
        "interval": interval,
        "unavailable": None,
        "error": None,
        "rounds": 5,
        "demand_s": 0.0111,
        "cpu_share": 1.0,
        "trials": 8,
        "discarded": 0,
        "bystander_p99_ms": 12.5,
        "cpu_ms_per_request": 11.2,
        "pss_mib": 96.0,
        "broke_by": broke_by,
    } | changes


def _middle(low: float, high: float) -> float:
    return round(math.sqrt(low * high), 2)


def standing(results: Iterable[Line], **changes: Any) -> dict[str, Any]:
    """Make the line that compares the rows of one workload, from the intervals of its cells."""
    cells = [result_of(line) for line in results]
    known = {c.row: c for c in cells if c.measured and c.sustained}
    ratios = [
        RowRatio(row, other, _ratio(known[row], known[other]))
        for row, other in combinations(known, 2)
        if not (known[row].unbounded or known[other].unbounded)
    ]
    behind = {r.other for r in ratios if r.ratio.low > 1} | {
        r.row for r in ratios if r.ratio.high < 1
    }
    if most := max((c.sustained for c in known.values() if c.unbounded), default=0.0):
        behind |= {row for row, cell in known.items() if cell.high < most}
    return {
        "line": "standing",
        "workload": cells[0].workload,
        "at": 30.0,
        "rounds": 5,
        "rows": {row: cell.interval for row, cell in known.items()},
        "ties": [row for row in known if row not in behind],
        "ratios": ratios,
        "speed": [0.98, 1.03],
    } | changes


def standings(results: Iterable[Line]) -> list[dict[str, Any]]:
    """Make one for each workload."""
    lines = [line for line in results if line["line"] == "cell"]
    names = dict.fromkeys(line["workload"] for line in lines)
    return [standing(line for line in lines if line["workload"] == name) for name in names]


def _ratio(cell: CellResult, other: CellResult) -> Range:
    value = (cell.capacity or 0) / (other.capacity or 1)
    error = math.hypot(*(math.log(c.high / c.sustained) / 2 for c in (cell, other)))
    figures = (value, value * math.exp(-error), value * math.exp(error))
    return Range(*(float(f"{figure:.5g}") for figure in figures))


def measured(line: Line) -> CellResult:
    return result_of(line)


def trial(workload: str, model: str, rate: float, **changes: Any) -> dict[str, Any]:
    return {
        "line": "trial",
        "workload": workload,
        "model": model,
        "at": 12.0,
        "rate": rate,
        "duration_s": 5.0,
        "elapsed_s": 7.1,
        "valid": True,
        "held": True,
        "broke_by": None,
        "reasons": [],
        "work": {"scheduled": 400, "ok": 398, "late": 2, "p99_ms": 210.0, "goodput": 79.6},
        "bystander": {"scheduled": 300, "ok": 300, "p99_ms": 11.0},
        "generator_cpu": 0.31,
        "a_later_field": 1,
    } | changes


def unavailable(workload: str, model: str, why: str) -> dict[str, Any]:
    return result(workload, model, None, None, state="unavailable", unavailable=why, trials=0)


FULL_RESULTS = [
    result("sleep", "inline", 14.2, 15.8, "bystander"),
    result("sleep", "async", 1310.0, None),
    result("sleep", "thread-pool", 148.0, 160.0, "late"),
    result("sleep", "process-pool", 37.0, 40.1, "late"),
    result("sleep", "hybrid", 147.0, 159.0, "late"),
    result("primes", "inline", 64.0, 70.3, "bystander"),
    unavailable("primes", "async", NO_TWIN),
    result("primes", "thread-pool", 90.0, 97.0, "late"),
    result("primes", "process-pool", 171.0, 182.0, "late"),
    result("primes", "hybrid", 168.0, 179.0, "refused"),
    result("sha256", "inline", 240.0, 262.0, "bystander"),
    unavailable("sha256", "async", NO_TWIN),
    result("sha256", "thread-pool", 452.0, 480.0, "late"),
    result("sha256", "process-pool", 380.0, 401.0, "late"),
    result("sha256", "hybrid", 455.0, 483.0, "late"),
    result("scrape", "inline", 0.0, 4.0, "late"),
    unavailable("scrape", "async", NO_TWIN),
    result("scrape", "thread-pool", 31.0, 33.5, "late"),
    result("scrape", "process-pool", 9.4, 10.3, "late"),
    result("scrape", "hybrid", 52.0, 56.0, "refused"),
]
FULL = [
    plan([(line["workload"], line["model"]) for line in FULL_RESULTS]),
    *standings(FULL_RESULTS),
    *FULL_RESULTS,
    {"line": "end", "at": 620.0, "exit": 0, "reason": None},
]

TOO_OLD = "it needs Python ≥ 3.14, and this is 3.13.0"
FORKED = "worker processes are forked"
GIL_IS_ON = "the GIL is on although this Python is free-threaded"


def on(python: str, line: Line, **changes: Any) -> dict[str, Any]:
    return {**line, "python": python, **changes}


def runtime(version: str, *, gil: bool = True, warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    server: dict[str, Any] = ENVIRONMENT["server"]
    return {**server, "python": version, "gil": gil, "warnings": list(warnings)}


SERVERS = {
    "3.13": runtime("3.13.0", warnings=(FORKED,)),
    "3.13t": runtime("3.13.5", gil=False, warnings=(FORKED,)),
}
SEVERAL_RESULTS = [
    on("3.13", result("primes", "thread-pool", 50.0, 55.0, "late")),
    on("3.13t", result("primes", "thread-pool", 120.0, 130.0, "late"), warnings=[GIL_IS_ON]),
    on("3.13", unavailable("primes", "interpreter-pool", TOO_OLD)),
    on("3.13t", result("primes", "interpreter-pool", None, None, error="no answer")),
]
SEVERAL_FIRST = plan(
    [(line["workload"], line["model"], line["python"]) for line in SEVERAL_RESULTS],
    environment=ENVIRONMENT | {"server": SERVERS["3.13"], "servers": SERVERS},
    arguments={"threads": "4", "server_python": ["3.13", "/py/python3.13t"]},
)


def write(path: Path, lines: Iterable[Line]) -> Path:
    with closing(RunFile(path)) as file:
        for line in lines:
            fields = {name: value for name, value in line.items() if name != "line"}
            file.append(line["line"], **fields)
    return path
