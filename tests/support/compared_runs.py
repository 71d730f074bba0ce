"""Runs to compare, made by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from loadtests.capacity.student import quantile
from loadtests.report.compare.comparison import Comparison, compare
from loadtests.run.file.lines import End, Run, plan_of, result_of, standing_of, trial_of
from tests.support.run_files import ENVIRONMENT, plan, result, standings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from loadtests.run.file.lines import Line

FREEDOM = 7  # of the simulated capacities: a round less than there are
SHARES = (1.0, 1.0, 0.9, 0.7, 0.01)  # of CPU time in the demands of simulated cells


def run_of(*lines: Line, environment: Mapping[str, Any] | None = None, **changes: Any) -> Run:
    """Make a run that has ended of lines about its cells and trials."""
    cells = [line for line in lines if line["line"] == "cell"]
    names = [(line["workload"], line["model"], line.get("python", "")) for line in cells]
    changes["environment"] = ENVIRONMENT | dict(environment or {})
    planned = plan_of(plan(names) | changes)
    results = {cell.cell: cell for cell in map(result_of, cells)}
    made = [standing_of(line) for line in standings(cells)]
    trials = tuple(trial_of(line) for line in lines if line["line"] == "trial")
    return Run(planned, trials, results, {line.workload: line for line in made}, end=End(0))


def compared(*runs: Run, tolerance: float = 0.0) -> Comparison:
    """Compare them under the names of A, B, C and so on."""
    return compare([(chr(ord("A") + at), run) for at, run in enumerate(runs)], tolerance)


def waiting(line: Line) -> dict[str, Any]:
    """Make it a cell that does not depend on the machine's speed."""
    return {**line, "cpu_share": 0.0}


def simulated(
    rng: Random,
    count: int,
    *,
    dearer: float = 1.0,
    changed: Mapping[str, float] | None = None,
    noise: tuple[float, float] = (0.02, 0.02),
) -> tuple[list[Line], list[Line]]:
    """Measure that many cells in two runs, whose CPU work is `dearer` in the second.

    Where a cell has `changed`, its demand is so many times as large. The `noise` is how demands
    scatter from run to run, and the error of the capacities, which are stated at these demands.
    """
    scatter, error = noise
    runs: tuple[list[Line], list[Line]] = ([], [])
    for place in range(count):
        model, share, usual = f"model-{place}", SHARES[place % len(SHARES)], 0.01 * 1.2**place
        after = (changed or {}).get(model, 1.0)
        for lines, speed, change in ((runs[0], 1.0, 1.0), (runs[1], dearer, after)):
            work = share * speed * math.exp(rng.gauss(0, scatter / math.sqrt(2)))
            demand = usual * change * (1 - share + work)
            capacity = 1.8 / demand * math.exp(rng.gauss(0, error))
            estimated = error * math.sqrt(rng.gammavariate(FREEDOM / 2, 2) / FREEDOM)
            reach = math.exp(quantile(0.975, FREEDOM) * estimated)
            line = result("primes", model, capacity / reach, capacity * reach)
            line |= {"interval": [capacity, capacity / reach, capacity * reach]}
            line |= {"demand_s": demand, "cpu_share": work / (1 - share + work)}
            lines.append(line | {"rounds": FREEDOM + 1})
    return runs


def served(version: str, **changes: Any) -> dict[str, Any]:
    """Say that the servers ran on this Python."""
    return {"server": ENVIRONMENT["server"] | {"python": version} | changes}
