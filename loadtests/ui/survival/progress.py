"""A survival run as it stands: what its run file says, and what it does at this moment.

All that takes long is done as a line comes in, which is between two trials: while one goes on, the
process that watches may be the one that offers the load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.verdicts import leaders
from loadtests.run.file.fold import with_next
from loadtests.run.file.lines import End, cell_of, end_of
from loadtests.run.file.run_file import FILE_NAME, Tail
from loadtests.run.survival.time_left import Pace
from loadtests.ui.survival.steps import step_after

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loadtests.cell import Cell
    from loadtests.run.file.lines import Line, Run


class RunProgress:
    """Follows the run file in a folder; `clock` gives seconds, whenever they began."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.run: Run | None = None
        self.end: End | None = None  # of a run that never began, too
        self.now: Cell | None = None  # which is measured, be it beyond its peak
        self.search = 0
        self.offered: float | None = None  # requests per second, while a trial goes on
        self.step = "finding out what there is to measure, and what the generator can offer"
        self.searched: set[tuple[Cell, int]] = set()
        self.foreseen: dict[Cell, Line] = {}
        self.best: set[Cell] = set()
        self._pace = Pace()
        self._tail = Tail(folder / FILE_NAME)
        self._clock = clock
        self._begun = clock()

    def look(self) -> None:
        """Take in what was written since the last look."""
        changed: set[str] = set()
        for line in self._tail.read():
            self._update(line)
            if line["line"] == "cell":
                changed.add(line["workload"])
        if self.run and changed:
            results = [one for one in self.run.results.values() if one.workload in changed]
            others = {cell for cell in self.best if cell.workload not in changed}
            self.best = others | leaders(results, self.run.plan.slo)

    def offer(self, rate: float) -> None:
        """Note that a trial begins; the run file knows of it when it is over."""
        self.offered = rate

    def over(self, code: int, reason: str) -> None:
        """Note how the search has ended, be it before its first line."""
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
        self.step = step_after(line) or self.step
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
                self.searched = {one for one in self.searched if not results[one[0]].error}
            case "end":
                self.now, self.end = None, end_of(line)
