"""Runs to compare, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report.compare.comparison import Comparison, compare
from loadtests.run.file.lines import End, Run, plan_of, result_of, standing_of, trial_of
from tests.support.run_files import ENVIRONMENT, plan, standings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtests.run.file.lines import Line


def run_of(*lines: Line, environment: Mapping[str, Any] | None = None, **changes: Any) -> Run:
    """Make a run that has ended of lines about its cells and trials."""
    cells = [line for line in lines if line["line"] == "cell"]
    names = [(line["workload"], line["model"], line.get("python", "")) for line in cells]
    changes["environment"] = ENVIRONMENT | dict(environment or {})
    planned = plan_of(plan(names) | changes)
    results = {result.cell: result for result in map(result_of, cells)}
    made = [standing_of(line) for line in standings(cells)]
    trials = tuple(trial_of(line) for line in lines if line["line"] == "trial")
    return Run(planned, trials, results, {line.workload: line for line in made}, end=End(0))


def compared(*runs: Run, tolerance: float = 0.0) -> Comparison:
    """Compare them under the names of A, B, C and so on."""
    return compare([(chr(ord("A") + at), run) for at, run in enumerate(runs)], tolerance)


def served(version: str, **changes: Any) -> dict[str, Any]:
    """Say that the servers ran on this Python."""
    return {"server": ENVIRONMENT["server"] | {"python": version} | changes}
