"""What weakens the results of a run, in sentences, so that nobody takes them for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.capacity.goals import FULL, QUICK, Goal, trial_duration
from loadtests.run.file.cells import NOT_MEASURED
from loadtests.slo import Slo
from loadtests.wording import count_of, listing, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loadtests.report.verdicts import WorkloadVerdict
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Plan, Run

ENOUGH = 10  # trials
LOOSER = (99.9, 99.0, 95.0, 90.0, 50.0)  # percentiles, which take fewer requests
UNSTEADY = 1.25
BUSY_SHARE = 1.0  # of all cores, for a minute; what is busy during a trial, the sentinel sees


def cautions(
    run: Run, cells: Sequence[CellResult], verdicts: Sequence[WorkloadVerdict]
) -> Iterator[str]:
    if run.end and run.end.reason:
        yield f"The run ended early: {_said([run.end.reason])}"
    yield from _conditions(run)
    yield from _servers(run, cells)
    yield from _discarded(run)
    yield from _speed(run)
    for cell in cells:
        name = f"`{cell.workload}` under {cell.row}"
        if cell.lack:
            yield f"{name}: {cell.lack}.{_enough(cell, run.plan)}"
        elif cell.unbounded:
            limit = rate_text(cell.bears)
            yield f"{name}: the search met its upper limit; it bears at least {limit} req/s."
        elif cell.measured and len(cell.valid) < run.plan.searches:
            lacking = count_of(run.plan.searches - len(cell.valid), "search")
            yield f"{name} lacks {lacking} of {run.plan.searches}: its interval says too little."
        elif cell.error == NOT_MEASURED:
            continue
        elif not cell.measured and not cell.unavailable:
            yield f"{name} has no result: {_said([cell.error or ''])}"
    if missing := sum(cell.error == NOT_MEASURED for cell in cells):
        yield f"{missing} of {count_of(len(cells), 'cell')} were {NOT_MEASURED}."
    open_ended = {(cell.workload, cell.row) for cell in cells if cell.unbounded}
    ties = [
        f"`{v.workload}` ({listing(v.tied)})"
        for v in verdicts
        if len(v.tied) > 1 and any((v.workload, row) not in open_ended for row in v.tied)
    ]
    if ties:
        hint = "; a --full run narrows them" if run.plan.mode != "full" else ""
        yield f"The intervals of the best overlap for {listing(ties)}{hint}."


def _enough(cell: CellResult, plan: Plan) -> str:
    """Say how to have enough requests at the rate of a cell: look longer, or claim less."""
    slo = Slo.parse(plan.slo)
    looser = [slo.at(one) for one in LOOSER if one < slo.percentile]
    ways = [f"--slo '{one}'" for one in looser if _fits(cell, QUICK, one)][:1]
    if plan.mode == "full":
        ways.insert(0, "more --searches")
    elif _fits(cell, FULL, slo):
        ways.insert(0, "--full")
    return f" To show more than that, use {' or '.join(ways)}." if ways else ""


def _fits(cell: CellResult, goal: Goal, slo: Slo) -> bool:
    return trial_duration(cell.bears, goal, slo) <= max(goal.budget_s, goal.patience_s)


def busy(environment: Mapping[str, Any]) -> str | None:
    """Say that the machine was busy before a run, if it was."""
    load, cores = environment.get("load_average"), environment.get("cores")
    if not (load and cores and load[0] > BUSY_SHARE * cores):
        return None
    how = f"load average {load[0]:.1f} on {count_of(cores, 'core')}"
    return f"The machine was busy before the run started ({how}): rates may be too low."


def _conditions(run: Run) -> Iterator[str]:
    if said := busy(run.plan.environment):
        yield said
    if run.plan.arguments.get("host"):
        yield (
            "A running service was measured that the run did not start: it was not restarted "
            "between cells, and its CPU and memory were not sampled."
        )


def _speed(run: Run) -> Iterator[str]:
    """Tell that the cores were not equally fast all the time: cells were not measured alike."""
    pieces = pieces_ms(run)
    if len(pieces) < ENOUGH:
        return
    fast, slow = pieces[len(pieces) // 10], pieces[-1 - len(pieces) // 10]
    if slow > UNSTEADY * fast:
        yield (
            f"The cores were not equally fast all the time: the same piece of work took {fast:.2f} "
            f"to {slow:.2f} ms of CPU in the middle 80 % of all trials. Cells that were measured "
            f"minutes apart compare the worse for it; {_evened(run.plan.searches)}."
        )


def _evened(searches: int) -> str:
    """Say what makes up for cores that change their speed."""
    if searches > 1:
        return f"each was measured {searches} times, in random order, which evens out a part of it"
    return "--full measures each of them several times"


def pieces_ms(run: Run) -> list[float]:
    """Return what one and the same piece of work took of CPU beside each trial, sorted."""
    return sorted(
        trial.machine["slowdown"] * trial.machine["calibration_ms"]
        for trial in run.trials
        if trial.machine.get("slowdown") and trial.machine.get("calibration_ms")
    )


def _servers(run: Run, cells: Sequence[CellResult]) -> Iterator[str]:
    """Pass on what the servers say of themselves, each thing once, with its Pythons."""
    environment = run.plan.environment
    servers = environment.get("servers") or {"": environment.get("server") or {}}
    told = [(text, label) for label, one in servers.items() for text in one.get("warnings") or ()]
    told += [(text, cell.python) for cell in cells for text in cell.warnings]
    pythons: dict[str, list[str]] = {}
    for text, label in dict.fromkeys(told):
        pythons.setdefault(text, []).append(label)
    for text, labels in pythons.items():
        where = f"The server on {listing(labels)}" if any(labels) else "The server"
        yield f"{where}: {_said([text])}"


def _discarded(run: Run) -> Iterator[str]:
    """Count what was discarded; of a search that was abandoned, nothing counts."""
    over = {(one.cell, each.search) for one in run.results.values() for each in one.searches}
    trials = [trial for trial in run.trials if (trial.cell, trial.search) in over]
    invalid = [trial for trial in trials if not trial.valid]
    if invalid:
        first = invalid[0]
        where = f"`{first.workload}` under {first.cell.row} at {rate_text(first.rate)} req/s"
        total = count_of(len(trials), "trial")
        verb = "was" if len(invalid) == 1 else "were"
        yield f"{len(invalid)} of {total} {verb} discarded. First {where}: {_said(first.reasons)}"


def _said(reasons: Iterable[str]) -> str:
    sentences = (f"{reason.rstrip('.')}." for reason in reasons if reason)
    return " ".join(sentences) or "no reason was reported."
