"""Run files of runs that never were, with nothing but their times: when each job was over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any

from loadtests.cell import Cell
from loadtests.run.beyond.kinds import alone_s
from loadtests.run.survival.agenda import PROOF, SEARCH, after, rounds
from loadtests.run.survival.time_left import Pace
from tests.support.run_files import NO_TWIN, plan, result, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loadtests.run.file.lines import Line

PLANNING_S = 3.0
# Seconds of searches as they were, by mode: M/D/1, M/D/2, M/M/2, M/M/1, M/D/8 in virtual time, and
# cells of real runs that were disturbed.
SEARCHES = {
    "quick": (21, 21, 21, 22, 27, 20, 28, 23, 26, 31, 12, 12, 17, 18, 19, 34, 35, 41, 25, 22),
    "full": (127, 87, 165, 141, 102, 118, 80, 140, 168, 190, 162, 177, 158, 186, 182, 321, 111),
}
NONE_S = 1.5  # of a cell that the service does not offer


@dataclass
class Timeline:
    """Writes the lines of a run whose jobs take what is drawn for each; `absent` are cells."""

    cells: Sequence[tuple[str, str]]
    mode: str = "quick"
    searches: int = 1
    arguments: dict[str, Any] | None = None
    absent: Sequence[tuple[str, str]] = ()
    budget_s: float = math.inf
    seed: int = 0

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)
        drawn = SEARCHES[self.mode]
        self._usual = {cell: self._rng.choice(drawn) for cell in self.cells}
        self._at = PLANNING_S
        self._done: set[tuple[tuple[str, str], str, int]] = set()

    @property
    def first(self) -> Line:
        absent = [dict(zip(("workload", "model"), cell, strict=True)) for cell in self.absent]
        return plan(
            self.cells, mode=self.mode, searches=self.searches, absent=absent,
            arguments=self.arguments or {}, at=0.0,
        )  # fmt: skip

    def sitting(self) -> Iterator[Line]:
        """Yield what one sitting writes: the first line of the run, or that it goes on, and all."""
        begun = self._at - PLANNING_S
        resumed: Line = {"line": "resumed", "at": self._at}
        yield resumed if self._done else self.first
        for cell, search in rounds([Cell(*names) for names in self.cells], self.searches, 1):
            pair = (cell.workload, cell.model)
            if not self._spent(begun):
                yield from self._search(pair, search)
            if search == self.searches - 1 and pair not in self.absent and not self._spent(begun):
                yield from self._after(pair)
        yield {"line": "end", "at": self._at, "exit": 0}

    def _spent(self, begun: float) -> bool:
        return self._at - begun > self.budget_s

    def _search(self, pair: tuple[str, str], search: int) -> Iterator[Line]:
        if (pair, SEARCH, search) in self._done:
            return
        names = dict(zip(("workload", "model"), pair, strict=True), search=search)
        yield {"line": "cell-start", "at": self._at, **names}
        took = self._usual[pair] * self._rng.uniform(0.85, 1.15)
        took = NONE_S if pair in self.absent else took
        self._at += took
        self._done.add((pair, SEARCH, search))
        line = unavailable(*pair, NO_TWIN) if pair in self.absent else result(*pair, 50, 55)
        yield {**line, "search": search, "at": self._at, "elapsed_s": took, "cause": "GIL"}

    def _after(self, pair: tuple[str, str]) -> Iterator[Line]:
        for kind, seconds in after(self.arguments or {}, self.mode).items():
            if (pair, kind, 0) not in self._done:
                alone = self._usual[pair] if kind == PROOF else alone_s(kind, seconds)
                self._at += alone * self._rng.uniform(0.85, 1.15)
                self._done.add((pair, kind, 0))
                names = dict(zip(("workload", "model"), pair, strict=True))
                more = {"line": PROOF} if kind == PROOF else {"line": "beyond", "kind": kind}
                yield {**more, "at": self._at, **names}


def within_a_third(lines: Iterable[Line], begun: float = 0.0) -> float:
    """Ask 150 times after the first quarter how much is left: the share of right answers."""
    waiting, pace, right = list(lines), Pace(), []
    ends = waiting[-1]["at"]
    for moment in range(200):
        at = begun + (ends - begun) * moment / 200
        while waiting[0].get("at", 0.0) <= at:
            pace.update(waiting.pop(0))
        if moment >= 50:
            left, true = pace.left_at(at), ends - at
            right.append(left is not None and abs(left - true) <= true / 3)
    return fmean(right)
