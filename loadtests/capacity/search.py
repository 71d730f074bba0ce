"""Find the capacity of a cell in few trials: a bracket from below, then MLRsearch within it."""

import math
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import TYPE_CHECKING

from loadtests.capacity.bounds import Capacity, TrialPoint
from loadtests.capacity.goals import Goal, provable, trial_duration
from loadtests.capacity.mlrsearch import refine
from loadtests.capacity.support import support
from loadtests.slo import FLOOR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loadtests.capacity.mlrsearch import Bounds
    from loadtests.slo import Slo
    from loadtests.trial.verdict import Verdict


def search(  # noqa: PLR0913  # what it searches, how, and three facts about the surroundings
    measure: "Callable[[float, float], Verdict]",
    predicted: float,
    goal: Goal,
    ceiling_rate: float,
    *,
    slo: "Slo",
    also: "Sequence[Slo]" = (),
    clock: "Callable[[], float]",
) -> Capacity:
    """Find the highest rate that holds, in requests per second.

    `measure(rate, duration_s)` runs trials until one is valid, and returns its verdict; what it
    raises passes through. It may end a trial early once `slo` and all of `also` are lost in it:
    these are further percentiles with the same bound, sought in the same search where they can be
    proved in time. `predicted` is the capacity that is expected. `ceiling_rate` is the highest
    rate that the generator can offer honestly. `clock` returns the seconds that count towards the
    budget.
    """
    if ceiling_rate <= FLOOR:
        raise ValueError(
            f"A search needs a generator that offers more than {FLOOR:g}/s, got {ceiling_rate:g}/s:"
            " check what it was calibrated with."
        )
    slos = provable(predicted, goal, slo, *(one for one in dict.fromkeys(also) if one != slo))
    bench = _Bench(measure, predicted, goal, slos, clock, clock() + goal.budget_s)
    try:
        return bench.capacity(_search(bench, predicted, ceiling_rate))
    except _OutOfTimeError:
        bench.deadline_s = math.inf
    _close_up(bench, ceiling_rate)
    return bench.best_so_far()


class _OutOfTimeError(Exception):
    """Ends the search from within MLRsearch."""


@dataclass(slots=True)
class _Bench:
    """Runs trials while there is time, and keeps a record of them."""

    measure: "Callable[[float, float], Verdict]"
    predicted: float
    goal: Goal
    slos: "tuple[Slo, ...]"
    clock: "Callable[[], float]"
    deadline_s: float
    record: dict[float, list[float]] = field(default_factory=dict)  # what was lost at each rate
    trials: list[TrialPoint] = field(default_factory=list)

    def bracketing(self, rate: float) -> bool:
        """Whether one of a few short trials holds."""
        duration_s = max(self.goal.bracket_s, self.goal.bracket_requests / rate)
        runs = (self._run(rate, duration_s) for _ in range(self.goal.confirm))
        return any(self.slos[0].holds(lost) for lost in runs)

    def final(self, rate: float) -> float:
        return self._run(rate, trial_duration(rate, self.goal, *self.slos))

    def refine(self, low: float, high: float) -> "dict[Slo, Bounds]":
        least = max(low / (1 + self.goal.width) ** self.goal.below, FLOOR)
        kindest = {rate: min(lost) for rate, lost in self.record.items()}
        broken = {rate: lost for rate, lost in kindest.items() if not self.slos[0].holds(lost)}
        return refine(self.final, (least, low, high), broken, self.goal, self.slos)

    def capacity(self, bounds: "dict[Slo, Bounds]", *, over: bool = True) -> Capacity:
        found = {
            slo: Capacity(held or 0.0, broke, over or self._decided(slo, held, broke))
            for slo, (held, broke) in bounds.items()
        }
        main = found.pop(self.slos[0])
        return replace(main, others=found, trials=tuple(self.trials))

    def best_so_far(self) -> Capacity:
        return self.capacity({slo: self.known(slo) for slo in self.slos}, over=False)

    def _decided(self, slo: "Slo", held: float | None, broke: float | None) -> bool:
        """Whether the time ran out over other percentiles, but not over this one."""
        if self.goal.trials == 1 or not held or not broke:
            return False
        agree = [
            sum(slo.holds(lost) == good for lost in self.record.get(rate, ()))
            for rate, good in ((held, True), (broke, False))
        ]
        narrow = broke / held <= 1.001 * (1 + self.goal.width)
        return narrow and min(agree) > self.goal.trials / 2

    def known(self, slo: "Slo") -> "Bounds":
        """Return the highest rate that held, a shown one if any, below the lowest that broke."""
        held = {rate: [slo.holds(one) for one in lost] for rate, lost in self.record.items()}
        broke = min((r for r, each in held.items() if sum(each) * 2 < len(each)), default=None)
        good = [r for r, each in held.items() if any(each) and (broke is None or r < broke)]
        shown = [rate for rate in good if support(slo, rate, broke, self.trials).enough]
        return max(shown or good, default=0.0), broke

    def _run(self, rate: float, duration_s: float) -> float:
        longer_s = max(duration_s - self.goal.trial_s, 0)
        if (late_s := self.clock() + longer_s - self.deadline_s) >= 0:
            held, broke = self.known(self.slos[0])
            shown = support(self.slos[0], held or 0.0, broke, self.trials).enough
            if (held and broke and shown) or late_s >= self.goal.patience_s:
                raise _OutOfTimeError
        lost = self._once(rate, duration_s)
        surprising = rate < self.goal.surprise * self.predicted
        if surprising and not self.slos[0].holds(lost):
            lost = self._once(rate, duration_s)
        self.record.setdefault(rate, []).append(lost)
        return lost

    def _once(self, rate: float, duration_s: float) -> float:
        lost = self.measure(rate, duration_s).lost
        self.trials.append(TrialPoint(rate, duration_s, lost))
        return lost


def _search(bench: _Bench, predicted: float, ceiling_rate: float) -> "dict[Slo, Bounds]":
    start = min(max(bench.goal.first * predicted, FLOOR), ceiling_rate)
    low, high = _bracket(bench, start, ceiling_rate)
    while low is not None:
        highest = high or ceiling_rate
        bounds = bench.refine(low, highest)
        held, broke = bounds[bench.slos[0]]
        if held is None:  # short trials were too kind
            low, high = _enclose_below(bench, broke or low)
        elif broke is None and highest < ceiling_rate:  # or too harsh
            low, high = _bracket(bench, held, ceiling_rate)
        else:
            return bounds
    return dict.fromkeys(bench.slos, (None, high))


def _close_up(bench: _Bench, ceiling_rate: float) -> None:
    """Find an end of the interval that is still missing, as there is only time for short trials."""
    held, broke = bench.known(bench.slos[0])
    if not held:
        _enclose_below(bench, broke or ceiling_rate)
    elif broke is None:
        _enclose(bench, held, ceiling_rate)


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
