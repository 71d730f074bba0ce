"""A run in brief: capacities, verdicts, warnings, and the exit code that follows."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.cell import Cell, Variation
from loadtests.report.at_load import AtLoad, at_loads
from loadtests.report.verdicts import WorkloadVerdict, judge_workload, sentences
from loadtests.report.warnings import warnings_of
from loadtests.run.choice import wishes
from loadtests.run.constants import CONSTANTS, Constants
from loadtests.run.file.cells import CellResult, RowRatio, Standing
from loadtests.run.file.lines import Beyond, Plan, Run
from loadtests.slo import Slo

# All other lists are one comma-separated value.
ONCE_PER_VALUE = ("param", "server_python", "start", "url", "pid", "vary", "request")


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole run in brief, with the cells in the order of the request."""

    environment: Mapping[str, Any]
    slo: Slo
    mode: str
    started: str
    command: str
    cells: tuple[CellResult, ...]
    verdicts: tuple[WorkloadVerdict, ...]
    warnings: tuple[str, ...]
    standings: Mapping[str, Standing] = field(default_factory=dict)  # by workload
    constants: Constants = CONSTANTS
    beyond: Beyond = field(default_factory=dict)
    at_load: Mapping[Cell, AtLoad] = field(default_factory=dict)  # at the load that was requested
    stacks: Mapping[Cell, Mapping[str, int]] = field(default_factory=dict)  # seen by an autopsy
    variations: Mapping[str, Variation] = field(default_factory=dict)  # by their labels
    ended: int = 0  # the exit code of the measuring process
    fewest: int | None = None  # requests of a measured cell, in all valid trials

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(sentences(self.verdicts))

    @property
    def speed(self) -> tuple[float, float] | None:
        """How much the cost of the same work varied: the widest range over all workloads."""
        ranges = [standing.speed for standing in self.standings.values() if standing.speed]
        return (min(map(min, ranges)), max(map(max, ranges))) if ranges else None

    @property
    def again(self) -> dict[str, RowRatio]:
        """The rows that were compared with themselves, by workload."""
        return {name: known.again for name, known in self.standings.items() if known.again}


def summarize(run: Run) -> Summary:
    """Judge a run, complete or not."""
    # A resumed run may ask for fewer cells than the file holds: all results count.
    names = _in_order(dict.fromkeys((*run.plan.cells, *run.results)), run.plan)
    cells = tuple(run.results.get(name) or CellResult(*name) for name in names)
    verdicts = tuple(
        judge_workload(
            workload,
            (cell for cell in cells if cell.workload == workload),
            run.standings.get(workload),
            run.plan.slo,
            **wishes(run.plan),
            about=parameters_text(run.plan, workload),
            variations=run.plan.variations,
        )
        for workload in dict.fromkeys(cell.workload for cell in cells)
    )
    return Summary(
        environment=run.plan.environment,
        slo=run.plan.slo,
        mode=run.plan.mode,
        started=run.plan.started,
        command=command(run),
        cells=cells,
        verdicts=verdicts,
        warnings=tuple(warnings_of(run, cells)),
        standings=run.standings,
        constants=run.plan.constants,
        beyond=run.beyond,
        at_load=at_loads(run, cells),
        stacks=run.stacks,
        variations=run.plan.variations,
        ended=run.end.exit if run.end else 0,
        fewest=_fewest(run, cells),
    )


def _fewest(run: Run, cells: Iterable[CellResult]) -> int | None:
    counts = {cell.cell: 0 for cell in cells if cell.measured}
    for trial in run.trials:
        if trial.cell in counts and trial.valid and not (trial.again or trial.load):
            counts[trial.cell] += trial.work.scheduled
    return min(filter(None, counts.values()), default=None)


def _in_order(cells: Iterable[Cell], plan: Plan) -> list[Cell]:
    """Put sizes that were searched beside those that were planned, the smallest first."""
    given = list(cells)
    rows = list(dict.fromkeys(cell[:2] for cell in given))
    planned = len(given) == len(plan.cells)

    def place(cell: Cell) -> tuple[int, list[int]]:
        options = plan.variations.get(cell.variant, Variation()).options.values()
        return rows.index(cell[:2]), [int(value) for value in options if value.isdecimal()]

    return given if planned else sorted(given, key=place)


def parameters_text(plan: Plan, workload: str) -> str:
    """Return the parameters of a workload as people set them, e.g. "ms=10"."""
    known = plan.workloads.get(workload, {}).get("parameters") or {}
    return ", ".join(f"{name}={value}" for name, value in known.items())


def command(run: Run) -> str:
    """Return the command that repeats a run, without its output folder."""
    words = ["scripts/survive"]
    options = {"slo": str(run.plan.slo), **run.plan.arguments, "seed": run.plan.seed}
    options.pop(run.plan.mode, None)
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if name in {"output", "mode"} or value in (None, False, "", [], {}):
            continue
        if value is True:
            words.append(flag)
        elif name in ONCE_PER_VALUE and isinstance(value, list | tuple):
            words += [word for item in value for word in (flag, str(item))]
        else:
            joined = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            words += [flag, joined]
    return shlex.join([*words, f"--{run.plan.mode}"])
