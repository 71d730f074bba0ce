"""What the Survival tab shows: the state of a run as plain data, for a page to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.durations import rounded_duration
from loadtests.machine.environment import describe
from loadtests.report.colours import colour_of
from loadtests.report.survival.matrix import Entry, entry_of
from loadtests.report.survival.sections import resource_of
from loadtests.report.wording import cause_sentence, interval_text
from loadtests.slo import Slo
from loadtests.wording import count_of, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Run, TrialRecord
    from loadtests.ui.survival.progress import RunProgress

Bracket = tuple[float | None, float | None]
WAITING = Entry("·")
STATES = {  # of a finished cell by the style of its entry in the terminal
    "dim": "absent",
    "yellow": "failed",
}
LONGEST_STEP = 24  # characters in a square


def view(watch: RunProgress, chosen: int | None = None) -> dict[str, Any]:
    """Show a run, and the trials of the chosen cell, or else of the one that is searched."""
    run = watch.run
    if run is None:
        return {"step": watch.step, "progress": _progress(watch), "cells": []}
    cells = run.plan.cells
    if chosen is not None and chosen < len(cells):
        focus = cells[chosen]
    else:  # the cell that is searched, or else the one searched last
        focus = watch.now or next((trial.cell for trial in reversed([*run.trials])), cells[0])
    squares = [_square(watch, run, cell) for cell in cells]
    notes = list(dict.fromkeys(square["note"] for square in squares if square["note"]))
    for square in squares:
        square["note"] = notes.index(square["note"]) + 1 if square["note"] else None
    return {
        "head": f"Highest load that meets {run.plan.slo} (requests per second)",
        "mode": run.plan.mode,
        "started": run.plan.started,
        "environment": describe(run.plan.environment),
        "step": _step(watch),
        "progress": _progress(watch),
        "workloads": list(dict.fromkeys(cell.workload for cell in cells)),
        "rows": [
            {"row": row, "model": model, "colour": colour_of(model)}
            for row, model in {cell.row: cell.model for cell in cells}.items()
        ],
        "cells": squares,
        "notes": notes,
        "shown": {
            "index": cells.index(focus),
            "follows": chosen is None,
            **_trials(watch, run, focus),
        },
    }


def _step(watch: RunProgress) -> str:
    """Say what the search does at this moment."""
    cell = f"{watch.now.workload} under {watch.now.row}: " if watch.now else ""
    if watch.offered is None:
        return f"{cell}{watch.step}"
    return f"{cell}offering {rate_text(watch.offered)}/s (before: {watch.step})"


def _progress(watch: RunProgress) -> dict[str, Any]:
    done, total, left_s = len(watch.searched), watch.total, watch.left_s
    noun = "cell" if watch.run and watch.run.plan.searches == 1 else "search"
    count = f"{done} of {count_of(total, noun)}" if total else "starting"
    time = f"{rounded_duration(watch.elapsed_s)} so far"
    if total and left_s is not None:
        time = f"about {rounded_duration(left_s)} left"
    return {"done": done, "total": total, "count": count, "time": "" if watch.end else time}


def _square(watch: RunProgress, run: Run, cell: Cell) -> dict[str, Any]:
    """Show a cell in the matrix."""
    result = run.results.get(cell)
    entry = entry_of(result, best=cell in watch.best) if result else WAITING
    state = STATES.get(entry.style, "done") if result else "waiting"
    small = entry.small
    if result and _starves(result, run.plan.slo) and "/health" not in small:
        small = f"{small}, /health late".removeprefix(", ")
    if watch.now == cell and (cell, watch.search) in watch.searched:
        state = "beyond"
    elif watch.now == cell:
        held, broke = bracket_of(_trials_of(run, cell, watch.search))
        state, entry, small = "searching", Entry(bracket_text(held, broke)), watch.step
        if watch.offered is not None:
            small = f"offering {rate_text(watch.offered)}/s"
        elif len(small) > LONGEST_STEP:
            small = "predicted" if cell in watch.foreseen else "getting ready"
    return {
        "workload": cell.workload,
        "row": cell.row,
        "state": state,
        "figure": entry.figure,
        "small": small,
        "note": entry.note,
        "best": entry.best,
    }


def _starves(result: CellResult, slo: Slo) -> bool:
    """Whether the bystander was the one that broke, or was too late at the last rate that held."""
    late_ms = result.typical.bystander_p99_ms or 0.0
    late = result.broke_by == "bystander" or late_ms > 1e3 * slo.bound_s
    return result.measured and late


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


def bracket_text(held: float | None, broke: float | None) -> str:
    """Say within what rates the search looks."""
    if held and broke:
        return f"{rate_text(held)} … {rate_text(broke)}"
    if held:
        return f"≥ {rate_text(held)} …"
    return f"… < {rate_text(broke)}" if broke else "…"


def _trials_of(run: Run, cell: Cell, search: int) -> list[TrialRecord]:
    return [trial for trial in run.trials if trial.cell == cell and trial.search == search]


def _trials(watch: RunProgress, run: Run, cell: Cell) -> dict[str, Any]:
    """Show the trials of all searches of a cell; rates are per second, times in milliseconds."""
    result = run.results.get(cell)
    goes_on = watch.now == cell
    prediction = watch.foreseen.get(cell, {})
    held, broke = bracket_of(_trials_of(run, cell, watch.search))
    if result and result.measured and not goes_on:
        held, broke = result.sustained, result.broke
    return {
        "title": f"{cell.workload} under {cell.row}",
        "model": cell.model,
        "result": _result_text(result, goes_on=goes_on),
        "bound": 1e3 * run.plan.slo.bound_s,
        "slo": str(run.plan.slo),
        "predicted": prediction.get("predicted"),
        "ceiling": prediction.get("ceiling"),
        "binding": resource_of(prediction.get("binding")) or None,
        "offered": watch.offered if goes_on else None,
        "held": held,
        "broke": broke,
        "searches": run.plan.searches,
        "trials": [
            {
                "number": number,
                "search": trial.search + 1,
                "rate": trial.rate,
                "seconds": trial.duration_s,
                "outcome": trial.outcome,
                "p99": trial.work.p99_ms,
                "lost": trial.work.loss_ratio,
                "health": trial.bystander.p99_ms,
                "why": trial.reasons[0] if trial.reasons else "",
            }
            for number, trial in enumerate((t for t in run.trials if t.cell == cell), start=1)
        ],
    }


def _result_text(result: CellResult | None, *, goes_on: bool) -> str:
    if goes_on and not (result and result.measured):
        return "being measured"
    if result is None:
        return "waiting"
    if not result.measured:
        return result.unavailable or result.error or "has no result"
    cause = cause_sentence(result)
    return f"sustains {interval_text(result)} req/s" + (f": {cause}" if cause else "")
