"""How much longer a run takes, estimated from what its jobs have taken so far."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from loadtests.capacity.rounds import FULL, QUICK
from loadtests.durations import parse_duration
from loadtests.run.beyond.kinds import alone_s
from loadtests.run.file.lines import cell_of
from loadtests.run.survival.agenda import AUTOPSY, AUTOPSY_S, PROOF, ROUNDS, Agenda, after

if TYPE_CHECKING:
    from loadtests.run.file.lines import Line, Plan

STARTS_S = 2.5  # a server, and the cost of its requests
BETWEEN_S = 0.3  # trials
OVERDUE = 0.15  # of what such a job takes: the rest of one that has outlasted all others


class Pace:
    """Estimates the time left from the lines of a run file, in their order; all in seconds.

    The rounds of a workload take what others have taken for each row, and a guess that weighs as
    much as one of them; what follows takes what that of its kind has taken, and a guess.
    """

    def __init__(self) -> None:
        self._agenda = Agenda()
        self._took: dict[str, list[float]] = {}  # by kind; of rounds, for each row
        self._workload = ""
        self._count = 0  # of the rows that are measured at present
        self._rows: set[str] = set()  # those without a result yet
        self._last_at = self._since = 0.0  # when the present job began
        self._resumed_at = 0.0  # of a run that was resumed

    def update(self, line: Line) -> None:
        ended = self._agenda.update(line)
        at = line.get("at") or self._last_at
        match line["line"]:
            case "resumed":
                self._resumed_at = self._last_at
                self._since, self._rows = at, set()
            case "workload-start":
                self._workload, self._rows = line["workload"], {*line["rows"]}
                self._since, self._count = at, len(self._rows)
            case "cell" if line["workload"] == self._workload and self._rows:
                self._rows.discard(cell_of(line).row)
                if not self._rows:
                    self._end(ROUNDS, at, self._count)
        if ended and ended.kind != ROUNDS:
            self._end(ended.kind, at)
        self._last_at = max(self._last_at, at)

    def left(self, now: float) -> float | None:
        """Return the rest, `now` seconds after it was begun or resumed; None without a plan."""
        return self.left_at(now + self._resumed_at)

    def left_at(self, at: float) -> float | None:
        """Return the rest at this moment, on the clock of the run file."""
        plan, jobs = self._agenda.plan, self._agenda.left
        if plan is None:
            return None
        spent = max(at - self._since, 0.0)
        budget_ends = max(at, self._resumed_at + _budget_s(plan))
        ends = at + (self._rest(ROUNDS, plan, spent, self._count) if self._rows else 0.0)
        for cell in (job.cell for job in jobs if job.kind == ROUNDS):
            begun = cell.workload == self._workload and cell.row in self._rows
            if not begun and cell not in plan.absent:
                ends += fmean(self._known(ROUNDS, plan))
        kinds = [job.kind for job in jobs if job.kind != ROUNDS]
        if ends == at and kinds:  # the first of them goes on
            ends += self._rest(kinds.pop(0), plan, spent)
        else:
            ends = min(ends, budget_ends)  # no round begins after it
        for kind in kinds:
            ends += fmean(self._known(kind, plan)) if ends < budget_ends else 0.0
        return ends - at

    def _end(self, kind: str, at: float, rows: int = 1) -> None:
        self._took.setdefault(kind, []).append((at - self._since) / rows)
        self._since = at

    def _rest(self, kind: str, plan: Plan, spent: float, rows: int = 1) -> float:
        """How much longer jobs took that took longer than this."""
        known = [rows * took for took in self._known(kind, plan)]
        longer = [took - spent for took in known if took > spent]
        return fmean(longer) if longer else OVERDUE * fmean(known)

    def _known(self, kind: str, plan: Plan) -> list[float]:
        """What jobs of this kind have taken, and a guess."""
        return [*self._took.get(kind, ()), _guess(kind, plan)]


def _budget_s(plan: Plan) -> float:
    budget = plan.arguments.get("budget")
    return math.inf if budget is None else parse_duration(budget)


def _guess(kind: str, plan: Plan) -> float:
    if kind == AUTOPSY:
        return AUTOPSY_S
    if kind not in {ROUNDS, PROOF}:
        return alone_s(kind, after(plan.arguments, plan.mode)[kind])
    care = FULL if plan.mode == "full" else QUICK
    rounds = math.sqrt(care.least * care.most)
    row_s = STARTS_S + rounds * (care.settle_s + care.trial_s + BETWEEN_S)
    return row_s if kind == ROUNDS else 3 * row_s  # a proof compares three
