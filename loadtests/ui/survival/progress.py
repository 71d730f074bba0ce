"""The state of a survival run: what its run file says, and its current step.

Expensive work is done when a line comes in, between two trials: during a trial, this process may
be the one that offers the load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.survival.sections import prediction_text
from loadtests.report.verdicts import leaders
from loadtests.run.file.fold import with_next
from loadtests.run.file.lines import End, cell_of, end_of, trial_of
from loadtests.run.file.run_file import FILE_NAME, Tail
from loadtests.run.survival.time_left import Pace
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from loadtests.cell import Cell
    from loadtests.run.file.lines import Line, Run


class RunProgress:
    """Follows the run file in a folder; `clock` returns seconds since any moment."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.run: Run | None = None
        self.end: End | None = None  # also of a run that never began
        self.now: Cell | None = None  # being measured
        self.search = 0
        self.offered: float | None = None  # requests per second, while a trial goes on
        self.step = "finding out what to measure, and how much load the generator can offer"
        self.searched: set[tuple[Cell, int]] = set()
        self.foreseen: dict[Cell, Line] = {}
        self.best: set[Cell] = set()
        self._pace = Pace()
        self._tail = Tail(folder / FILE_NAME)
        self._clock = clock
        self._begun = clock()

    def look(self) -> None:
        """Read the lines written since the last look."""
        changed: set[str] = set()
        for line in self._tail.read():
            self._update(line)
            if line["line"] == "cell":
                changed.add(line["workload"])
        if self.run and changed:
            results = [result for result in self.run.results.values() if result.workload in changed]
            others = {cell for cell in self.best if cell.workload not in changed}
            self.best = others | leaders(results, self.run.plan.slo)

    def offer(self, rate: float) -> None:
        """Note that a trial begins; the run file records it at its end."""
        self.offered = rate

    def over(self, code: int, reason: str) -> None:
        """Note how the search ended, even before its first line."""
        self.now = self.offered = None
        self.end = End(code, reason or None, self.elapsed_s)

    @property
    def elapsed_s(self) -> float:
        return self._clock() - self._begun

    @property
    def total(self) -> int:
        """How many searches there are to do."""
        return len(self.run.plan.cells) * self.run.plan.searches if self.run else 0

    @property
    def left_s(self) -> float | None:
        return self._pace.left(self.elapsed_s)

    def _update(self, line: Line) -> None:
        kind = line["line"]
        self._pace.update(line)
        if self.run or kind == "run":
            self.run = with_next(self.run, line)
        self.offered = None
        if kind in AFTER:
            self.step = AFTER[kind](line)
        match kind:
            case "cell-start":
                self.now, self.search = cell_of(line), line.get("search", 0)
            case "prediction":
                self.foreseen[cell_of(line)] = line
            case "cell":
                self.searched.add((cell_of(line), line.get("search", 0)))
                self.now = self.now if "held" in line else None  # else there is more to come
            case "resumed":
                self.end = None
                results = self.run.results if self.run else {}
                self.searched = {key for key in self.searched if not results[key[0]].error}
            case "end":
                self.now, self.end = None, end_of(line)


def _outcome(line: Line) -> str:
    trial = trial_of(line)
    return f"{rate_text(trial.rate)}/s {trial.outcome}"


def _prediction(line: Line) -> str:
    if line.get("predicted") is None:
        return "no prediction is possible; searching from the rate of a short burst"
    return prediction_text(line)


AFTER: Mapping[str, Callable[[Line], str]] = {  # what is done after a line of the run file
    "run": lambda _: "starting the first server",
    "resumed": lambda _: "resuming the run",
    "cell-start": lambda _: "starting a fresh server and measuring the cost of one request",
    "prediction": _prediction,
    "trial": _outcome,
    "cell": lambda line: "search finished" if "held" in line else "no result",
    "proof-trial": lambda line: f"verifying its cause: {_outcome(line)}",
    "proof": lambda _: "the cause is checked",
    "beyond": lambda line: f"beyond its capacity: {line['kind']} is finished",
    "end": lambda _: "finished",
}
