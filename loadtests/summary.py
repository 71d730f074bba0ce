"""What a run says: capacities, verdicts, warnings, and the exit code that follows."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loadtests.records import CellResult
from loadtests.verdicts import WorkloadVerdict, judge_workload
from loadtests.wording import count_of, listing, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from loadtests.records import Run

SCHEMA = 1
BUSY_SHARE = 0.25  # of all cores: a machine this busy before the run disturbs short trials
ONCE_PER_VALUE = ("param", "server_python")  # all other lists are one comma-separated value


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole run in brief; cells stand in the order in which they were asked for."""

    environment: Mapping[str, Any]
    slo: str
    mode: str
    started: str
    command: str
    cells: tuple[CellResult, ...]
    verdicts: tuple[WorkloadVerdict, ...]
    warnings: tuple[str, ...]
    ended: int = 0  # the exit code that the measuring process asked for

    def as_json(self) -> dict[str, Any]:
        """Return the content of `summary.json`; rates are per second."""
        return {
            "schema": SCHEMA,
            "environment": dict(self.environment),
            "slo": self.slo,
            "cells": [_cell_json(cell) for cell in self.cells],
            "verdicts": [
                {"workload": verdict.workload, "best": verdict.best, "sentence": verdict.sentence}
                for verdict in self.verdicts
            ],
            "warnings": list(self.warnings),
        }


def summarize(run: Run) -> Summary:
    """Judge a run, whether it is complete or not."""
    missing = "not measured: the run ended before"
    # A resumed run may ask for fewer cells than the file holds: results count all the same.
    names = dict.fromkeys((*run.plan.cells, *run.results))
    cells = tuple(run.results.get(name) or CellResult(*name, error=missing) for name in names)
    verdicts = tuple(
        judge_workload(
            workload, (cell for cell in cells if cell.workload == workload), run.plan.slo
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
        warnings=tuple(_warnings(run, cells, verdicts)),
        ended=run.end.exit if run.end else 0,
    )


def exit_code(summary: Summary, at_least: float | None) -> int:
    """Return 0 if done, 1 if some cell bears less than `at_least`, 3 if that cannot be said.

    A cell that cannot exist does not count. Without `at_least`, one result is enough.
    """
    if summary.ended:
        return summary.ended
    possible = [cell for cell in summary.cells if not cell.unavailable]
    measured = [cell for cell in possible if cell.measured]
    if at_least is not None and any(cell.bears < at_least for cell in measured):
        return 1
    unanswered = not measured or (at_least is not None and len(measured) < len(possible))
    return 3 if unanswered else 0


def command(run: Run) -> str:
    """Return the command that repeats a run; where its results went is left out."""
    words = ["python", "-m", "loadtests", "survive"]
    options = {"slo": run.plan.slo, **run.plan.arguments, "seed": run.plan.seed}
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


def _cell_json(cell: CellResult) -> dict[str, Any]:
    return {
        "workload": cell.workload,
        "model": cell.model,
        "held": cell.held,
        "broke": cell.broke,
        "interval": list(cell.interval) if cell.interval else None,
        "ceiling": None,
        "predicted": None,
        "efficiency": None,
        "cause": None,
        "cause_evidence": None,
        "bystander_p99_ms": cell.bystander_p99_ms,
        "cpu_ms_per_request": cell.cpu_ms_per_request,
        "pss_mib": cell.pss_mib,
        "trials": cell.trials,
        "discarded": cell.discarded,
        "unavailable": cell.unavailable,
        "broke_by": cell.broke_by,
    }


def _warnings(
    run: Run, cells: tuple[CellResult, ...], verdicts: tuple[WorkloadVerdict, ...]
) -> Iterator[str]:
    if run.end and run.end.reason:
        yield f"The run ended early: {_said([run.end.reason])}"
    yield from _conditions(run)
    yield from _discarded(run)
    for cell in cells:
        name = f"`{cell.workload}` under {cell.model}"
        if cell.unbounded:
            limit = rate_text(cell.bears)
            yield f"{name}: the search met its upper limit; it bears at least {limit} req/s."
        elif not cell.measured and not cell.unavailable:
            yield f"{name} has no result: {_said([cell.error or ''])}"
    ties = [f"`{v.workload}` ({listing(v.tied)})" for v in verdicts if len(v.tied) > 1]
    if ties:
        hint = "; a --full run narrows them" if run.plan.mode != "full" else ""
        yield f"The intervals of the best overlap for {listing(ties)}{hint}."


def _conditions(run: Run) -> Iterator[str]:
    load, cores = run.plan.environment.get("load_average"), run.plan.environment.get("cores")
    if load and cores and load[0] > BUSY_SHARE * cores:
        busy = f"load average {load[0]:.1f} on {count_of(cores, 'core')}"
        yield f"The machine was busy before the run started ({busy}): rates may be too low."
    if run.plan.arguments.get("host"):
        yield (
            "A running service was measured that the run did not start: it was not restarted "
            "between cells, and its CPU and memory were not sampled."
        )


def _discarded(run: Run) -> Iterator[str]:
    invalid = [trial for trial in run.trials if not trial.valid]
    if invalid:
        first = invalid[0]
        where = f"`{first.workload}` under {first.model} at {rate_text(first.rate)} req/s"
        total = count_of(len(run.trials), "trial")
        verb = "was" if len(invalid) == 1 else "were"
        yield f"{len(invalid)} of {total} {verb} discarded. First {where}: {_said(first.reasons)}"


def _said(reasons: Iterable[str]) -> str:
    sentences = (f"{reason.rstrip('.')}." for reason in reasons if reason)
    return " ".join(sentences) or "no reason was reported."
