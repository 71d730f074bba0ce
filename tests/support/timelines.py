"""Run files of runs that never were, with nothing but their times: when each job was over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any

from loadtests.run.beyond.kinds import alone_s
from loadtests.run.survival.agenda import PROOF, after
from loadtests.run.survival.time_left import Pace
from tests.support.run_files import NO_TWIN, plan, result, standing, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loadtests.run.file.lines import Line

PLANNING_S = 3.0
STARTING = 0.15  # of the time of a workload
# Seconds of a workload for each of its rows, by mode: simulated rounds take from the least, where
# rows are far apart, to the most, where all of them are alike or some are slow.
ROW_S = {"quick": (10.0, 20.0), "full": (85.0, 155.0)}
LEAST = 3  # rounds before the rows can be compared


@dataclass
class Timeline:
    """Writes the lines of a run whose jobs take what is drawn for each; `absent` are cells."""

    cells: Sequence[tuple[str, str]]
    mode: str = "quick"
    arguments: dict[str, Any] | None = None
    absent: Sequence[tuple[str, str]] = ()
    budget_s: float = math.inf
    seed: int = 0

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)
        self._at = PLANNING_S
        self._done: set[tuple[tuple[str, str], str]] = set()

    @property
    def first(self) -> Line:
        absent = [dict(zip(("workload", "model"), cell, strict=True)) for cell in self.absent]
        return plan(
            self.cells, mode=self.mode, absent=absent, arguments=self.arguments or {}, at=0.0
        )

    def sitting(self) -> Iterator[Line]:
        """Yield what one sitting writes: the first line of the run, or that it goes on, and all."""
        begun = self._at - PLANNING_S
        resumed: Line = {"line": "resumed", "at": self._at}
        yield resumed if self._done else self.first
        for workload in dict.fromkeys(workload for workload, _ in self.cells):
            yield from self._rounds(workload, begun + self.budget_s)
        for cell in self.cells:
            if cell not in self.absent:
                yield from self._after(cell, begun + self.budget_s)
        yield {"line": "end", "at": self._at, "exit": 0}

    def _rounds(self, workload: str, until: float) -> Iterator[Line]:
        left = [cell for cell in self.cells if cell[0] == workload and (cell, "") not in self._done]
        for cell in left:
            if cell in self.absent:
                self._done.add((cell, ""))
                yield unavailable(*cell, NO_TWIN) | {"at": self._at}
        rows = [cell for cell in left if cell not in self.absent]
        if not rows or self._at >= until:
            return
        models = [model for _, model in rows]
        yield {"line": "workload-start", "workload": workload, "rows": models, "at": self._at}
        took = len(rows) * self._row_s()
        self._at += STARTING * took
        rounds = self._rng.randint(4, 8)
        for number in range(1, rounds + 1):
            if self._at < until:
                self._at += (1 - STARTING) * took / rounds
                if number >= LEAST:
                    known = [result(*cell, 50, 55) for cell in rows]
                    yield standing(known, rounds=number, at=self._at)
        for cell in rows:
            self._done.add((cell, ""))
            yield result(*cell, 50, 55, blamed="GIL", at=self._at)

    def _after(self, cell: tuple[str, str], until: float) -> Iterator[Line]:
        for kind, seconds in after(self.arguments or {}, self.mode).items():
            if (cell, kind) in self._done or self._at >= until:
                continue
            alone = 3 * self._row_s() if kind == PROOF else alone_s(kind, seconds)
            self._at += alone * self._rng.uniform(0.85, 1.15)
            self._done.add((cell, kind))
            names = dict(zip(("workload", "model"), cell, strict=True))
            more = {"line": PROOF} if kind == PROOF else {"line": "beyond", "kind": kind}
            yield {**more, "at": self._at, **names}

    def _row_s(self) -> float:
        return self._rng.uniform(*ROW_S[self.mode])


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
