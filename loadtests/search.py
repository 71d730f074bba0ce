"""Find the capacity of a cell in few trials: a bracket from below, then MLRsearch within it."""

import math
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING

from loadtests.goals import FULL, QUICK, Goal, trial_duration
from loadtests.refine import refine

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.slo import Slo
    from loadtests.trial import Verdict

__all__ = ["FLOOR", "FULL", "QUICK", "Capacity", "Goal", "search", "trial_duration"]

PATIENCE = 3  # budgets more for a cell of which no interval is known yet
FLOOR = 1.0  # requests per second; what bears less bears nothing


@dataclass(frozen=True, slots=True)
class Capacity:
    """The interval [held, broke] of offered rates per second.

    `held` is 0 if no load is borne; `broke` is None if the highest rate that can be offered held.
    Not `complete` means that the time ran out: the interval is wider, or less certain.
    """

    held: float
    broke: float | None
    complete: bool = True


def search(  # noqa: PLR0913  # what it searches, how, and three facts about the surroundings
    measure: "Callable[[float, float], Verdict]",
    saturation: float,
    goal: Goal,
    ceiling_rate: float,
    *,
    slo: "Slo",
    clock: "Callable[[], float]",
) -> Capacity:
    """Find the highest rate that holds, in requests per second.

    `measure(rate, duration_s)` runs trials until one is valid, and returns its verdict; what it
    raises passes through. `saturation` is the throughput that a closed-loop probe saw, a rough
    guess. `ceiling_rate` is the highest rate that the generator can offer honestly. `clock`
    returns the seconds that count towards the budget.
    """
    if ceiling_rate <= FLOOR:
        raise ValueError(
            f"A search needs a generator that offers more than {FLOOR:g}/s, got {ceiling_rate:g}/s:"
            " check what it was calibrated with."
        )
    bench = _Bench(measure, saturation, goal, slo, clock, clock() + goal.budget_s)
    try:
        return _search(bench, saturation, ceiling_rate)
    except _OutOfTimeError:
        return bench.best_so_far()


class _OutOfTimeError(Exception):
    """Ends the search from within MLRsearch."""


@dataclass(slots=True)
class _Bench:
    """Runs trials while there is time, and keeps a record of them."""

    measure: "Callable[[float, float], Verdict]"
    saturation: float
    goal: Goal
    slo: "Slo"
    clock: "Callable[[], float]"
    deadline_s: float
    record: dict[float, list[bool]] = field(default_factory=dict)

    def bracketing(self, rate: float) -> bool:
        """Whether one of a few short trials holds."""
        duration_s = max(self.goal.bracket_s, self.goal.bracket_requests / rate)
        return any(self._run(rate, duration_s) for _ in range(self.goal.confirm))

    def final(self, rate: float) -> bool:
        goal = self.goal
        return self._run(rate, trial_duration(rate, self.slo, goal.requests, goal.trial_s))

    def refine(self, low: float, high: float) -> tuple[float | None, float | None]:
        least = max(low / (1 + self.goal.width) ** self.goal.below, FLOOR)
        broken = [rate for rate, held in self.record.items() if not any(held)]
        return refine(self.final, (least, low, high), broken, self.goal, self.slo.loss_ratio)

    def best_so_far(self) -> Capacity:
        """Return the highest rate that ever held below the lowest that mostly broke."""
        bad = [rate for rate, held in self.record.items() if sum(held) * 2 < len(held)]
        broke = min(bad, default=math.inf)
        good = [rate for rate, held in self.record.items() if any(held) and rate < broke]
        return Capacity(max(good, default=0.0), min(bad, default=None), complete=False)

    def _run(self, rate: float, duration_s: float) -> bool:
        if (late_s := self.clock() - self.deadline_s) >= 0:
            known = self.best_so_far()
            if (known.held and known.broke) or late_s >= PATIENCE * self.goal.budget_s:
                raise _OutOfTimeError
        held = self.measure(rate, duration_s).held
        if not held and rate < self.goal.surprise * self.saturation:
            held = self.measure(rate, duration_s).held
        self.record.setdefault(rate, []).append(held)
        return held


def _search(bench: _Bench, saturation: float, ceiling_rate: float) -> Capacity:
    start = min(max(bench.goal.first * saturation, FLOOR), ceiling_rate)
    low, high = _bracket(bench, start, ceiling_rate)
    while low is not None:
        highest = high or ceiling_rate
        held, broke = bench.refine(low, highest)
        if held is None:  # short trials were too kind
            low, high = _enclose_below(bench, broke or low)
        elif broke is None and highest < ceiling_rate:  # or too harsh
            low, high = _bracket(bench, held, ceiling_rate)
        else:
            return Capacity(held, broke)
    return Capacity(0.0, high)


def _bracket(bench: _Bench, start: float, ceiling_rate: float) -> tuple[float | None, float | None]:
    """Find (a rate that holds, a rate that breaks) by short trials; None where there is none."""
    low, high = _enclose(bench, start, ceiling_rate)
    while low is not None and high is not None and high / low > bench.goal.narrow:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if bench.bracketing(middle) else (low, middle)
    return low, high


def _enclose(bench: _Bench, start: float, ceiling_rate: float) -> tuple[float | None, float | None]:
    if not bench.bracketing(start):
        return _enclose_below(bench, start)
    low = start
    for factor in _factors(bench.goal.step, 1.7):  # gently: the next one may drown the server
        if low >= ceiling_rate:
            break
        high = min(low * factor, ceiling_rate)
        if not bench.bracketing(high):
            return low, high
        low = high
    return low, None


def _enclose_below(bench: _Bench, broke: float) -> tuple[float | None, float | None]:
    for factor in _factors(bench.goal.step, 3.0):
        if broke <= FLOOR:
            break
        lower = max(broke / factor, FLOOR)
        if bench.bracketing(lower):
            return lower, broke
        broke = lower
    return None, broke


def _factors(step: float, later: float) -> "chain[float]":
    """Take two small steps, for a fair guess, then larger ones, for a bad one."""
    return chain((step, step), repeat(later))
