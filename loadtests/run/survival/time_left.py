"""How much longer a run takes, estimated from what its jobs have taken so far."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

from loadtests.capacity.goals import FULL, QUICK
from loadtests.durations import parse_duration
from loadtests.run.beyond.kinds import STARTS_S, alone_s
from loadtests.run.survival.agenda import PROOF, SEARCH, Agenda, after

if TYPE_CHECKING:
    from loadtests.cell import Cell
    from loadtests.run.file.lines import Line, Plan
    from loadtests.run.survival.agenda import Job

ABSENT_S = STARTS_S / 2  # a server starts, and answers that it has no such cell
OVERDUE = 0.15  # of what such a job takes: the rest of one that has outlasted all others


class Pace:
    """Estimates the time left from the lines of a run file, in their order; all in seconds.

    A job takes what those of its kind have taken, and a guess that weighs as much as one of them;
    a cell that was searched before takes what it took then, and that mean. What comes after the
    searches of a cell takes no time where they had no result.
    """

    def __init__(self) -> None:
        self._agenda = Agenda()
        self._took: dict[str, list[float]] = {}
        self._own: dict[tuple[Cell, str], list[float]] = {}  # searches and proofs alike
        self._last_at = self._since = 0.0  # when the present job began
        self._resumed_at = 0.0  # of a run that was resumed

    def update(self, line: Line) -> None:
        before = self._agenda.left
        ended = self._agenda.update(line)
        at = line.get("at") or self._last_at
        if line["line"] == "resumed":
            self._resumed_at = self._last_at
        if ended and not line.get("unavailable"):
            for job in {*before} - {*self._agenda.left}:  # with it, those that it made pointless
                took = line.get("elapsed_s", at - self._since) if job == ended else 0.0
                self._took.setdefault(job.kind, []).append(took)
                self._own.setdefault(_own(job), []).append(took)
        if ended or line["line"] in {"resumed", "cell-start"}:
            self._since = at
        self._last_at = max(self._last_at, at)

    def left(self, now: float) -> float | None:
        """Return the rest, `now` seconds after it was begun or resumed; None without a plan."""
        return self.left_at(now + self._resumed_at)

    def left_at(self, at: float) -> float | None:
        """Return the rest at this moment, on the clock of the run file."""
        plan, jobs = self._agenda.plan, self._agenda.left
        if plan is None:
            return None
        kinds = dict.fromkeys(job.kind for job in jobs)
        usual = {kind: fmean(self._known(kind, plan)) for kind in kinds}
        ends = at + self._rest(jobs[0], plan, max(at - self._since, 0.0)) if jobs else at
        for before, job in pairwise(jobs):
            if not job.continues(before) and self._spent(plan, ends):
                break
            own = self._own.get(_own(job), [])
            ends += ABSENT_S if job.cell in plan.absent else fmean([*own, *own, usual[job.kind]])
        return max(ends - at, 0.0)

    def _spent(self, plan: Plan, at: float) -> bool:
        budget = plan.arguments.get("budget")
        return budget is not None and at - self._resumed_at > parse_duration(budget)

    def _rest(self, job: Job, plan: Plan, spent: float) -> float:
        """How much longer jobs took that took longer than this."""
        if job.cell in plan.absent:
            return max(ABSENT_S - spent, 0.0)
        known = [*self._known(job.kind, plan), *3 * self._own.get(_own(job), [])]
        longer = [took - spent for took in known if took > spent]
        return fmean(longer) if longer else OVERDUE * fmean(known)

    def _known(self, kind: str, plan: Plan) -> list[float]:
        """What jobs of this kind have taken, and a guess."""
        return [*self._took.get(kind, ()), *3 * [_guess(kind, plan)]]


def _own(job: Job) -> tuple[Cell, str]:
    return job.cell, SEARCH if job.kind == PROOF else job.kind


def _guess(kind: str, plan: Plan) -> float:
    if kind not in {SEARCH, PROOF}:
        return alone_s(kind, after(plan.arguments, plan.mode)[kind])
    goal = FULL if plan.mode == "full" else QUICK
    return goal.budget_s + max(goal.trial_s, 20 * plan.slo.bound_s) + STARTS_S
