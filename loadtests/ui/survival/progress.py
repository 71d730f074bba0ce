"""The state of a survival run: what its run file says, and its current step.

Expensive work is done when a line comes in, between two trials: during a trial, this process may
be the one that offers the load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.summary import summarize
from loadtests.report.survival.sections import prediction_text
from loadtests.report.verdicts import leaders, sentences
from loadtests.report.wording import autopsy_text
from loadtests.run.file.fold import with_next
from loadtests.run.file.lines import End, cell_of, end_of, trial_of
from loadtests.run.file.run_file import FILE_NAME, Tail
from loadtests.run.survival.agenda import ROUNDS, Agenda
from loadtests.run.survival.time_left import Pace
from loadtests.wording import count_of, rate_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from loadtests.capacity.estimate import Range
    from loadtests.cell import Cell
    from loadtests.run.file.lines import Line, Run

RANKED = {"standing", "cell"}  # the lines that may change which rows are the best
JUDGED = {"cell", "proof", "resumed", "end"}  # those that may change what follows from them


class RunProgress:
    """Follows the run file in a folder; `clock` returns seconds since any moment."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.run: Run | None = None
        self.end: End | None = None  # also of a run that never began
        self.offered: tuple[Cell, float] | None = None  # at so many requests per second, now
        self.step = "finding out what to measure, and how much load the generator can offer"
        self.measuring: set[Cell] = set()  # in rounds
        self.foreseen: dict[Cell, Line] = {}
        self.best: set[Cell] = set()
        self.verdicts: list[str] = []  # of the workloads that are finished
        self._agenda = Agenda()
        self._pace = Pace()
        self._tail = Tail(folder / FILE_NAME)
        self._clock = clock
        self._begun = clock()

    def look(self) -> None:
        """Read the lines written since the last look."""
        lines = self._tail.read()
        for line in lines:
            self._update(line)
        if self.run and any(line["line"] in RANKED for line in lines):
            self.best = leaders(self.run.results.values(), self.run.standings)
            self.best -= self.measuring  # which may have had a result before
            self.best |= {cell for cell in self.measuring if self._ties(self.run, cell)}
        if self.run and any(line["line"] in JUDGED for line in lines):
            self.verdicts = self._verdicts(self.run)

    def offer(self, cell: Cell, rate: float) -> None:
        """Note that a trial begins; the run file records it at its end."""
        self.offered = cell, rate

    def over(self, code: int, reason: str) -> None:
        """Note how the run ended, even before its first line."""
        self.offered = None
        self.measuring.clear()
        self.end = End(code, reason or None, self.elapsed_s)

    def provisional(self, cell: Cell) -> Range | None:
        """Return what is known so far of a cell that is measured at present."""
        standing = self.run.standings.get(cell.workload) if self.run else None
        return standing.rows.get(cell.row) if standing and cell in self.measuring else None

    @property
    def beyond(self) -> Cell | None:
        """The cell of which a cause is verified, or that is offered more than its capacity."""
        left = self._agenda.left
        goes_on = left and left[0].kind != ROUNDS and not self.measuring and not self.end
        return left[0].cell if goes_on else None

    @property
    def done(self) -> int:
        """How many cells have been measured, with or without a result."""
        return self.total - sum(job.kind == ROUNDS for job in self._agenda.left)

    @property
    def elapsed_s(self) -> float:
        return self._clock() - self._begun

    @property
    def total(self) -> int:
        """How many cells there are."""
        return len({*self.run.plan.cells, *self.run.results}) if self.run else 0

    @property
    def left_s(self) -> float | None:
        return self._pace.left(self.elapsed_s)

    def _update(self, line: Line) -> None:
        kind = line["line"]
        self._pace.update(line)
        self._agenda.update(line)
        if self.run or kind == "run":
            self.run = with_next(self.run, line)
        self.offered = None
        if kind in AFTER:
            self.step = AFTER[kind](line)
        match kind:
            case "workload-start" if self.run:
                rows, workload = line["rows"], line["workload"]
                cells = self.run.plan.cells
                self.measuring = {c for c in cells if c.workload == workload and c.row in rows}
            case "prediction":
                self.foreseen[cell_of(line)] = line
            case "cell":
                self.measuring.discard(cell_of(line))
            case "resumed":
                self.measuring.clear()
                self.end = None
            case "end":
                self.measuring.clear()
                self.end = end_of(line)

    def _verdicts(self, run: Run) -> list[str]:
        """Say what follows for each workload of which every cell is measured."""
        open_cells = {cell for cell in run.plan.cells if cell not in run.results} | self.measuring
        going_on = set() if self.end else {cell.workload for cell in open_cells}
        verdicts = summarize(run).verdicts
        return list(sentences(item for item in verdicts if item.workload not in going_on))

    def _ties(self, run: Run, cell: Cell) -> bool:
        """Whether a cell may be the best so far, of several that are known."""
        standing = run.standings.get(cell.workload)
        return standing is not None and len(standing.rows) > 1 and cell.row in standing.ties


def _of(text: Callable[[Line], str]) -> Callable[[Line], str]:
    """Begin a text with the cell that its line is about."""
    return lambda line: f"{line['workload']} under {cell_of(line).row}: {text(line)}"


def _outcome(line: Line) -> str:
    trial = trial_of(line)
    return f"{rate_text(trial.rate)}/s {trial.outcome}"


def _prediction(line: Line) -> str:
    if line.get("predicted") is None:
        return "no prediction is possible; beginning at the rate of a short burst"
    return prediction_text(line)


AFTER: Mapping[str, Callable[[Line], str]] = {  # what is done after a line of the run file
    "run": lambda _: "starting the first servers",
    "resumed": lambda _: "resuming the run",
    "workload-start": lambda line: (
        f"{line['workload']}: starting its servers and measuring the cost of one request"
    ),
    "prediction": _of(_prediction),
    "trial": _of(_outcome),
    "standing": lambda line: f"{line['workload']}: {count_of(line['rounds'], 'round')} finished",
    "cell": _of(lambda line: "measured" if line.get("interval") else "no result"),
    "proof-trial": _of(lambda line: f"verifying its cause: {_outcome(line)}"),
    "proof": _of(lambda _: "the cause is checked"),
    "autopsy": _of(lambda line: autopsy_text(line["guilty"])),
    "beyond": _of(lambda line: f"beyond its capacity: {line['kind']} is finished"),
    "end": lambda _: "finished",
}
