"""What the Survival tab shows: the state of a run as plain data, for a page to draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from loadtests.capacity.estimate import Range
from loadtests.durations import rounded_duration
from loadtests.machine.environment import describe
from loadtests.report.colours import colour_of
from loadtests.report.survival.matrix import Entry, entry_of
from loadtests.report.survival.sections import resource_of
from loadtests.report.wording import cause_sentence, interval_text
from loadtests.slo import Slo
from loadtests.wording import DASH, count_of, rate_text

if TYPE_CHECKING:
    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Run, TrialRecord
    from loadtests.ui.survival.progress import RunProgress

WAITING = Entry("·")
LIMIT = "limit"  # of the generator
STATES = {"at generator limit": LIMIT}  # of a result that is not named as it is in a run file


def view(watch: RunProgress, chosen: int | None = None) -> dict[str, Any]:
    """Show a run, and the trials of the chosen cell, or else of one that is measured."""
    run = watch.run
    if run is None:
        return {"step": watch.step, "progress": _progress(watch), "cells": []}
    cells = run.plan.cells
    focus = _followed(watch, run)
    if chosen is not None and chosen < len(cells):
        focus = cells[chosen]
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


def _followed(watch: RunProgress, run: Run) -> Cell:
    """Return the best of the cells that are measured, or else the one that was measured last.

    The cell that is offered a trial changes every few seconds, which nobody could follow.
    """

    def value(cell: Cell) -> float:
        known = watch.provisional(cell)
        return known.value if known else 0.0

    last = next((trial.cell for trial in reversed(run.trials)), run.plan.cells[0])
    measuring = [cell for cell in run.plan.cells if cell in watch.measuring]
    return max(measuring, key=value, default=watch.beyond or last)


def _step(watch: RunProgress) -> str:
    """Say what is done at this moment."""
    if not watch.offered:
        return watch.step
    cell, rate = watch.offered
    return f"{cell.workload} under {cell.row}: offering {rate_text(rate)}/s"


def _progress(watch: RunProgress) -> dict[str, Any]:
    done, total, left_s = watch.done, watch.total, watch.left_s
    count = f"{done} of {count_of(total, 'cell')}" if total else "starting"
    time = f"{rounded_duration(watch.elapsed_s)} so far"
    if total and left_s is not None:
        time = f"about {rounded_duration(left_s)} left"
    return {"done": done, "total": total, "count": count, "time": "" if watch.end else time}


def _square(watch: RunProgress, run: Run, cell: Cell) -> dict[str, Any]:
    """Show a cell in the matrix."""
    result, best = run.results.get(cell), cell in watch.best
    state, entry = "waiting", WAITING
    if cell in watch.measuring:
        known = watch.provisional(cell)
        small = "predicted" if cell in watch.foreseen else "getting ready"
        for trial in _trials_of(run, cell)[-1:]:
            small = f"{rate_text(trial.rate)}/s {trial.outcome}"
        state, entry = "measuring", Entry(_range_text(known) if known else "…", small, best=best)
    elif result:
        state, entry = STATES.get(result.state, result.state), entry_of(result, best=best)
    small = entry.small
    if state in {"measured", LIMIT} and result and _starves(result, run.plan.slo):
        small = small if "/health" in small else f"{small}, /health late".removeprefix(", ")
    offered = _offered(watch, cell)
    return {
        "workload": cell.workload,
        "row": cell.row,
        "state": "beyond" if watch.beyond == cell else state,
        "figure": entry.figure,
        "small": f"offering {rate_text(offered)}/s" if offered else small,
        "note": entry.note,
        "best": entry.best,
        "offered": offered is not None,
    }


def _offered(watch: RunProgress, cell: Cell) -> float | None:
    """Return the rate that a cell is offered at this moment."""
    return watch.offered[1] if watch.offered and watch.offered[0] == cell else None


def _starves(result: CellResult, slo: Slo) -> bool:
    """Whether the bystander was the one that failed, or was too late near the capacity."""
    late = (result.bystander_p99_ms or 0.0) > 1e3 * slo.bound_s
    return result.broke_by == "bystander" or late


def _range_text(known: Range) -> str:
    """Show what is known so far; an estimate without an interval has neither end."""
    if math.isinf(known.high):
        return f"≥ {rate_text(known.low)}" if known.low else f"≈ {rate_text(known.value)}"
    low, high = rate_text(known.low), rate_text(known.high)
    return low if low == high else f"{low}{DASH}{high}"


def _trials_of(run: Run, cell: Cell) -> list[TrialRecord]:
    return [trial for trial in run.trials if trial.cell == cell and not trial.again]


def _trials(watch: RunProgress, run: Run, cell: Cell) -> dict[str, Any]:
    """Show all trials of a cell; rates are per second, times in milliseconds."""
    result, known = run.results.get(cell), watch.provisional(cell)
    if result and result.measured and cell not in watch.measuring:
        known = result.interval
    prediction = watch.foreseen.get(cell, {})
    return {
        "title": f"{cell.workload} under {cell.row}",
        "model": cell.model,
        "result": _result_text(watch, run, cell),
        "going": cell in watch.measuring,
        "bound": 1e3 * run.plan.slo.bound_s,
        "slo": str(run.plan.slo),
        "predicted": prediction.get("predicted"),
        "ceiling": prediction.get("ceiling"),
        "binding": resource_of(prediction.get("binding")) or None,
        "offered": _offered(watch, cell),
        **_band(known),
        "trials": [
            {
                "number": number,
                "round": trial.round,
                "rate": trial.rate,
                "seconds": trial.duration_s,
                "outcome": trial.outcome,
                "p99": trial.work.p99_ms,
                "lost": trial.work.loss_ratio,
                "health": trial.bystander.p99_ms,
                "why": trial.reasons[0] if trial.reasons else "",
            }
            for number, trial in enumerate(_trials_of(run, cell), start=1)
        ],
    }


def _band(known: Range | None) -> dict[str, float | None]:
    """Return a capacity and its interval; an end that is open, or 0, is left out."""
    ends = {name: known and getattr(known, name) for name in Range._fields}
    return {name: end if end and math.isfinite(end) else None for name, end in ends.items()}


def _result_text(watch: RunProgress, run: Run, cell: Cell) -> str:
    result = run.results.get(cell)
    if cell in watch.measuring:
        known = watch.provisional(cell)
        return f"{_range_text(known)} req/s so far, being measured" if known else "being measured"
    if result is None:
        return "waiting"
    if not result.measured:
        return result.unavailable or result.error or "has no result"
    cause = cause_sentence(result)
    return f"sustains {interval_text(result)} req/s" + (f": {cause}" if cause else "")
