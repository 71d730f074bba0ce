"""What weakens the results of a run, in sentences; each reason once, with its advice."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from loadtests.capacity.goals import FULL, QUICK, Goal, trial_duration
from loadtests.report.verdicts import WorkloadVerdict
from loadtests.report.wording import name_of, shortened
from loadtests.run.file.cells import NOT_MEASURED, CellResult
from loadtests.run.file.lines import Plan, Run
from loadtests.slo import Slo
from loadtests.wording import DASH, count_of, listing, rate_text

ENOUGH = 10  # trials
LOOSER = (99.9, 99.0, 95.0, 90.0, 50.0)  # percentiles, which take fewer requests
UNSTEADY = 1.25
BUSY_SHARE = 1.0  # of all cores, for a minute; the sentinel watches them during trials
NUMBER = re.compile(r"\d[\d.,]*")


def warnings_of(
    run: Run, cells: Sequence[CellResult], verdicts: Sequence[WorkloadVerdict]
) -> Iterator[str]:
    """Yield all warnings about a run, the most general first."""
    failed = [cell for cell in cells if not (cell.measured or cell.unavailable)]
    missing = [cell for cell in failed if cell.error == NOT_MEASURED]
    # If every cell had its turn and failed, the run has no other reason to end than theirs.
    same = failed and not missing and not any(cell.measured for cell in cells)
    if run.end and run.end.reason and not same:
        yield f"The run ended early: {_joined([run.end.reason])}"
    yield from _conditions(run)
    yield from _servers(run, cells)
    reasons = _without_result([cell for cell in failed if cell.error != NOT_MEASURED])
    yield from _void(run, reasons)
    yield from _speed(run)
    yield from reasons
    for cell in cells:
        name = name_of(cell)
        if cell.lack:
            yield f"{name}: {cell.lack}.{_enough(cell, run.plan)}"
        elif cell.unbounded:
            limit = rate_text(cell.sustained)
            yield f"{name}: the search reached its upper limit; it sustains at least {limit} req/s."
        elif cell.measured and len(cell.valid) < run.plan.searches:
            lacking = count_of(run.plan.searches - len(cell.valid), "search")
            yield f"{name} lacks {lacking} of {run.plan.searches}: its interval is uncertain."
    if missing:
        yield f"{len(missing)} of {count_of(len(cells), 'cell')} were {NOT_MEASURED}."
    open_ended = {(cell.workload, cell.row) for cell in cells if cell.unbounded}
    ties = [
        f"`{v.workload}` ({listing(v.tied)})"
        for v in verdicts
        if len(v.tied) > 1 and any((v.workload, row) not in open_ended for row in v.tied)
    ]
    if ties:
        hint = "; a --full run narrows them" if run.plan.mode != "full" else ""
        yield f"No single best for {listing(ties)}: they are statistically tied{hint}."


def _without_result(cells: Iterable[CellResult]) -> list[str]:
    """Give the reason for each cell without result; alike but for their numbers, only once."""
    alike: dict[str, list[CellResult]] = {}
    for cell in cells:
        alike.setdefault(_alike(cell.error or ""), []).append(cell)
    warnings = []
    for group in alike.values():
        names = shortened(list(map(name_of, group)), "other cells")
        verb = "has" if len(group) == 1 else "have"
        warnings.append(f"{names} {verb} no result: {_joined([group[0].error or ''])}")
    return warnings


def _enough(cell: CellResult, plan: Plan) -> str:
    """Advise how to get enough requests at the rate of a cell: search longer, or claim less."""
    looser = [plan.slo.at(percentile) for percentile in LOOSER if percentile < plan.slo.percentile]
    ways = [f"--slo '{goal}'" for goal in looser if _fits(cell, QUICK, goal)][:1]
    if plan.mode == "full":
        ways.insert(0, "more --searches")
    elif _fits(cell, FULL, plan.slo):
        ways.insert(0, "--full")
    return f" For enough requests, use {' or '.join(ways)}." if ways else ""


def _fits(cell: CellResult, goal: Goal, slo: Slo) -> bool:
    return trial_duration(cell.sustained, goal, slo) <= max(goal.budget_s, goal.patience_s)


def busy(environment: Mapping[str, Any]) -> str | None:
    load, cores = environment.get("load_average"), environment.get("cores")
    if not (load and cores and load[0] > BUSY_SHARE * cores):
        return None
    figures = f"load average {load[0]:.1f} on {count_of(cores, 'core')}"
    return f"The machine was busy before the run started ({figures}): rates may be too low."


def _conditions(run: Run) -> Iterator[str]:
    if warning := busy(run.plan.environment):
        yield warning
    if run.plan.arguments.get("host"):
        yield (
            "The run measured a service that it did not start: the service was not restarted "
            "between cells, and its CPU and memory were not sampled."
        )


def _speed(run: Run) -> Iterator[str]:
    """Warn if the cores changed their speed: cells were then measured under unlike conditions."""
    pieces = pieces_ms(run)
    if len(pieces) < ENOUGH:
        return
    fast, slow = pieces[len(pieces) // 10], pieces[-1 - len(pieces) // 10]
    if slow > UNSTEADY * fast:
        times = run.plan.searches
        remedy = (
            f"measuring each {times} times in random order reduces this"
            if times > 1
            else "--full measures each several times, in random order"
        )
        yield (
            f"CPU speed varied during the run (the same work took {fast:.2f}{DASH}{slow:.2f} ms in "
            "the middle 80 % of all trials). Comparisons between cells measured minutes apart are "
            f"less certain; {remedy}."
        )


def pieces_ms(run: Run) -> list[float]:
    """Return the CPU time that the same piece of work took beside each trial, sorted."""
    return sorted(
        trial.machine["slowdown"] * trial.machine["calibration_ms"]
        for trial in run.trials
        if trial.machine.get("slowdown") and trial.machine.get("calibration_ms")
    )


def _servers(run: Run, cells: Sequence[CellResult]) -> Iterator[str]:
    """Pass on the servers' own warnings, each once, with the Pythons that gave it."""
    environment = run.plan.environment
    servers = environment.get("servers") or {"": environment.get("server") or {}}
    texts = [
        (text, label) for label, server in servers.items() for text in server.get("warnings") or ()
    ]
    texts += [(text, cell.python) for cell in cells for text in cell.warnings]
    pythons: dict[str, list[str]] = {}
    for text, label in dict.fromkeys(texts):
        pythons.setdefault(text, []).append(label)
    for text, labels in pythons.items():
        where = f"The server on {listing(labels)}" if any(labels) else "The server"
        yield f"{where}: {_joined([text])}"


def _void(run: Run, reasons: Iterable[str]) -> Iterator[str]:
    """Count the void trials of finished searches; explain one unless `reasons` do."""
    finished = {
        (result.cell, part.search) for result in run.results.values() for part in result.searches
    }
    trials = [trial for trial in run.trials if (trial.cell, trial.search) in finished]
    invalid = [trial for trial in trials if not trial.valid]
    if not invalid:
        return
    verb = "was" if len(invalid) == 1 else "were"
    count = f"{len(invalid)} of {count_of(len(trials), 'trial')} {verb} void."
    first = invalid[0]
    reason = _joined(first.reasons[:1])  # the others are in the table of all trials
    if any(_alike(reason) in _alike(known) for known in reasons):
        yield count
    else:
        where = f"{name_of(first.cell)} at {rate_text(first.rate)} req/s"
        yield f"{count} The first, {where}: {reason}"


def _alike(reason: str) -> str:
    """Return what equals the same reason with other numbers."""
    return NUMBER.sub("#", reason)


def _joined(reasons: Iterable[str]) -> str:
    sentences = (f"{reason.rstrip('.')}." for reason in reasons if reason)
    return " ".join(sentences) or "no reason was reported."
