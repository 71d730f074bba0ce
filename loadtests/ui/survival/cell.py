"""The trials of one cell for its picture and its table: rates as dots, limits as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report.survival.sections import resource_of
from loadtests.report.wording import cause_sentence, interval_text
from loadtests.ui.survival.progress import outcome_of
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Run, TrialRecord
    from loadtests.ui.survival.progress import RunProgress

Bracket = tuple[float | None, float | None]


def bracket_of(trials: Iterable[TrialRecord]) -> Bracket:
    """Return the highest rate that held, and the lowest that mostly broke; None where none has."""
    held_at: dict[float, list[bool]] = {}
    for trial in trials:
        if trial.valid:
            held_at.setdefault(trial.rate, []).append(trial.held)
    bad = [rate for rate, held in held_at.items() if sum(held) * 2 < len(held)]
    broke = min(bad, default=None)
    good = [rate for rate, held in held_at.items() if any(held) and (broke is None or rate < broke)]
    return max(good, default=None), broke


def bracket_text(bracket: Bracket) -> str:
    """Say within what rates the search looks."""
    held, broke = bracket
    if held and broke:
        return f"{rate_text(held)} … {rate_text(broke)}"
    if held:
        return f"≥ {rate_text(held)} …"
    return f"… < {rate_text(broke)}" if broke else "…"


def trials_of(run: Run, cell: Cell, search: int | None = None) -> list[TrialRecord]:
    """List the trials of all searches of a cell, or of one."""
    return [trial for trial in run.trials if trial.cell == cell and search in {None, trial.search}]


def shown(watch: RunProgress, cell: Cell) -> dict[str, Any]:
    """Give all that is shown of one cell; rates are per second, times in milliseconds."""
    run = watch.run
    assert run is not None
    result = run.results.get(cell)
    trials = trials_of(run, cell)
    goes_on = watch.now == cell
    prediction = watch.foreseen.get(cell, {})
    held, broke = bracket_of([trial for trial in trials if trial.search == watch.search])
    if result and result.measured and not goes_on:
        held, broke = result.sustained, result.broke
    return {
        "title": f"{cell.workload} under {cell.row}",
        "model": cell.model,
        "said": _said(result, goes_on=goes_on),
        "bound": 1e3 * run.plan.slo.bound_s,
        "slo": str(run.plan.slo),
        "predicted": prediction.get("predicted"),
        "ceiling": prediction.get("ceiling"),
        "binding": resource_of(prediction.get("binding")) or None,
        "offered": watch.offered if goes_on else None,
        "held": held,
        "broke": broke,
        "searches": run.plan.searches,
        "trials": [_trial(number, trial) for number, trial in enumerate(trials, start=1)],
    }


def _said(result: CellResult | None, *, goes_on: bool) -> str:
    if goes_on and not (result and result.measured):
        return "being measured"
    if result is None:
        return "waiting"
    if not result.measured:
        return result.unavailable or result.error or "has no result"
    cause = cause_sentence(result)
    return f"sustains {interval_text(result)} req/s" + (f": {cause}" if cause else "")


def _trial(number: int, trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": number,
        "search": trial.search + 1,
        "at": trial.at,
        "rate": trial.rate,
        "seconds": trial.duration_s,
        "outcome": outcome_of(trial),
        "p50": trial.work.p50_ms,
        "p99": trial.work.p99_ms,
        "lost": trial.work.loss_ratio,
        "health": trial.bystander.p99_ms,
        "why": trial.reasons[0] if trial.reasons else "",
    }
