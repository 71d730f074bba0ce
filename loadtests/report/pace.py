"""How much longer a run takes, judged by what its cells have taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.records import cell_of, plan_of, result_of

if TYPE_CHECKING:
    from loadtests.records import Cell, CellResult, Line


class Pace:
    """Fed with the lines of a run file, in their order; all times in seconds.

    A cell takes its time in two parts: the search, and what is measured beyond its peak.
    """

    def __init__(self) -> None:
        self._planned_s = 0.0  # beyond the peak of a cell
        self._searches: dict[tuple[Cell, int], float] = {}  # what cannot exist takes no time
        self._last = self._cells = 0
        self._before_s = 0.0  # of a run that was resumed, on whose clock its lines are
        self._beyond: dict[Cell, float] = {}
        self._now: Cell | None = None
        self._since: float | None = None  # the part of a cell that goes on

    def update(self, line: Line) -> None:
        match line["line"]:
            case "run":
                plan = plan_of(line)
                self._planned_s, self._last = plan.beyond_s, plan.searches - 1
                self._cells = len(plan.cells)
            case "resumed":
                self._before_s = line.get("at") or 0.0
            case "cell-start":
                self._now, self._since = None, line.get("at") or 0.0
            case "cell":
                self._ended(result_of(line))
            case "beyond":
                cell = cell_of(line)
                self._beyond[cell] = self._beyond.get(cell, 0.0) + line.get("elapsed_s", 0.0)
            case "end":
                self._now = self._since = None

    def _ended(self, result: CellResult) -> None:
        self._now = self._since = None
        if result.unavailable or not result.elapsed_s:
            return
        self._searches[result.cell, result.search] = result.elapsed_s
        if self._planned_s and result.measured and result.search == self._last:
            self._now, self._since = result.cell, result.at

    def left(self, waiting: int, now: float) -> float | None:
        """Return the rest, with so many searches to do; None if there is no telling."""
        if waiting and not self._searches:
            return None
        search = sum(self._searches.values()) / max(len(self._searches), 1)
        over = [
            self._beyond.get(cell, 0.0)
            for cell, number in self._searches
            if number == self._last and cell != self._now
        ]
        beyond = sum(over) / len(over) if over else self._planned_s
        now += self._before_s
        spent = now - self._since if self._since is not None else 0.0
        later = waiting * search + min(waiting, self._cells) * beyond
        if self._now:
            return later + max(0.0, (beyond or self._planned_s) - spent)
        return max(0.0, later - min(spent, search))
