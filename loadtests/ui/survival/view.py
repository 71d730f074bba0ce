"""What the Survival tab shows: the state of a run as plain data, for a page to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.durations import rounded_duration
from loadtests.machine.environment import describe
from loadtests.report.colours import colour_of
from loadtests.report.survival.matrix import Entry, entry_of
from loadtests.ui.survival.cell import bracket_of, bracket_text, shown, trials_of
from loadtests.wording import count_of, rate_text

if TYPE_CHECKING:
    from loadtests.cell import Cell
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Run
    from loadtests.slo import Slo
    from loadtests.ui.survival.progress import RunProgress

WAITING = Entry("·")
STATES = {  # of a finished cell by the style of its entry in the terminal
    "dim": "absent",
    "yellow": "failed",
}


def view(watch: RunProgress, chosen: int | None = None) -> dict[str, Any]:
    """Show a run, and the trials of the chosen cell, or else of the one that is searched."""
    run = watch.run
    if run is None:
        return {"step": watch.step, "progress": _progress(watch), "cells": []}
    cells = run.plan.cells
    focus = cells[chosen] if chosen is not None and chosen < len(cells) else _follows(watch)
    entries = {cell: _entry(watch, run, cell) for cell in cells}
    notes = list(dict.fromkeys(entry.note for _, entry in entries.values() if entry.note))
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
        "cells": [
            _cell(cell, *entries[cell], notes, run.results.get(cell), run.plan.slo)
            for cell in cells
        ],
        "notes": notes,
        "shown": {"index": cells.index(focus), "follows": chosen is None, **shown(watch, focus)},
    }


def _follows(watch: RunProgress) -> Cell:
    """The cell that is searched, or else the one searched last."""
    assert watch.run is not None
    if watch.now:
        return watch.now
    last = [*watch.run.trials][-1:]
    return last[0].cell if last else watch.run.plan.cells[0]


def _step(watch: RunProgress) -> str:
    """Say what the search does at this moment."""
    who = f"{watch.now.workload} under {watch.now.row}: " if watch.now else ""
    if watch.offered is None:
        return f"{who}{watch.step}"
    return f"{who}offering {rate_text(watch.offered)}/s (before: {watch.step})"


def _progress(watch: RunProgress) -> dict[str, Any]:
    done, total, left_s = len(watch.searched), watch.total, watch.left_s
    run = watch.run
    what = "cell" if run and run.plan.searches == 1 else "search"
    count = f"{done} of {count_of(total, what)}" if total else "starting"
    time = f"{rounded_duration(watch.elapsed_s)} so far"
    if total and left_s is not None:
        time = f"about {rounded_duration(left_s)} left"
    return {"done": done, "total": total, "said": count, "time": "" if watch.end else time}


def _entry(watch: RunProgress, run: Run, cell: Cell) -> tuple[str, Entry]:
    """Give the state of a cell, and its figure and small print."""
    result = run.results.get(cell)
    entry = entry_of(result, best=cell in watch.best) if result else WAITING
    if watch.now == cell:
        return _at_work(watch, run, cell, entry)
    if result is None:
        return "waiting", WAITING
    return STATES.get(entry.style, "done"), entry


def _at_work(watch: RunProgress, run: Run, cell: Cell, entry: Entry) -> tuple[str, Entry]:
    if (cell, watch.search) in watch.searched:
        return "beyond", entry
    bracket = bracket_text(bracket_of(trials_of(run, cell, watch.search)))
    small = watch.step
    if watch.offered is not None:
        small = f"offering {rate_text(watch.offered)}/s"
    elif len(small) > 24:
        small = "getting ready" if cell not in watch.foreseen else "predicted"
    return "searching", Entry(bracket, small)


def _cell(  # noqa: PLR0913, PLR0917  # what is known of it from six sides
    cell: Cell, state: str, entry: Entry, notes: list[str], result: CellResult | None, slo: Slo
) -> dict[str, Any]:
    small = entry.small
    if _starves(result, slo) and "/health" not in small:
        small = f"{small}, /health late".removeprefix(", ")
    return {
        "workload": cell.workload,
        "row": cell.row,
        "state": state,
        "figure": entry.figure,
        "small": small if state != "searching" else entry.small,
        "note": notes.index(entry.note) + 1 if entry.note else None,
        "best": entry.best,
    }


def _starves(result: CellResult | None, slo: Slo) -> bool:
    """Whether the bystander was the one that broke, or was too late at the last rate that held."""
    if result is None or not result.measured:
        return False
    late_ms = result.typical.bystander_p99_ms or 0.0
    return result.broke_by == "bystander" or late_ms > 1e3 * slo.bound_s
