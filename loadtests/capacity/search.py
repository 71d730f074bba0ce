"""Find the capacity of a cell in few trials: a bracket from below, then MLRsearch within it.

`Capacity` is what a search found, `TrialPoint` one of the trials that show it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from loadtests.capacity.bounds import Capacity, Ends, TrialPoint
from loadtests.capacity.goals import Goal, provable, trial_duration
from loadtests.capacity.support import support
from loadtests.slo import FLOOR, Slo
from loadtests.trial.verdict import Verdict


def search(  # noqa: PLR0913  # what is searched, how, and three facts about the surroundings
    measure: Callable[[float, float], Verdict],
    predicted: float,
    goal: Goal,
    ceiling_rate: float,
    *,
    slo: Slo,
    also: Sequence[Slo] = (),
    clock: Callable[[], float],
) -> Capacity:
    """Find the highest rate that holds, in requests per second.

    `measure(rate, duration_s)` runs trials until one is valid and returns its verdict; what it
    raises passes through. It may end a trial early once neither `slo` nor any of `also` can hold.
    `also` are further percentiles with the same bound, found in the same search where they can be
    proved in time. `predicted` is the expected capacity, `ceiling_rate` the highest rate that the
    generator can offer on schedule. `clock` returns the seconds that count towards the budget.
    """
    if ceiling_rate <= FLOOR:
        raise ValueError(
            f"A search needs a generator that offers more than {FLOOR:g}/s, got {ceiling_rate:g}/s:"
            " check what it was calibrated with."
        )
    slos = provable(predicted, goal, slo, *(other for other in dict.fromkeys(also) if other != slo))
    trials = _Trials(measure, predicted, goal, slos, clock, clock() + goal.budget_s)
    try:
        return trials.capacity(_search(trials, predicted, ceiling_rate))
    except _OutOfTimeError:
        trials.deadline_s = math.inf
    _close_up(trials, ceiling_rate)
    return trials.best_so_far()


class _OutOfTimeError(Exception):
    """Ends the search from within MLRsearch."""


@dataclass(slots=True)
class _Trials:
    """Runs trials while there is time, and keeps a record of them."""

    measure: Callable[[float, float], Verdict]
    predicted: float
    goal: Goal
    slos: tuple[Slo, ...]
    clock: Callable[[], float]
    deadline_s: float
    record: dict[float, list[float]] = field(default_factory=dict)  # the loss ratios at each rate
    points: list[TrialPoint] = field(default_factory=list)

    def bracketing(self, rate: float) -> bool:
        """Whether one of a few short trials holds."""
        duration_s = max(self.goal.bracket_s, self.goal.bracket_requests / rate)
        runs = (self._run(rate, duration_s) for _ in range(self.goal.confirm))
        return any(self.slos[0].holds(lost) for lost in runs)

    def final(self, rate: float) -> float:
        return self._run(rate, trial_duration(rate, self.goal, *self.slos))

    def refine(self, low: float, high: float) -> dict[Slo, Ends]:
        least = max(low / (1 + self.goal.width) ** self.goal.below, FLOOR)
        least_lost = {rate: min(lost) for rate, lost in self.record.items()}
        broken = {rate: lost for rate, lost in least_lost.items() if not self.slos[0].holds(lost)}
        from loadtests.capacity.mlrsearch import refine  # noqa: PLC0415 - takes a third of a second

        return refine(self.final, (least, low, high), broken, self.goal, self.slos)

    def capacity(self, ends: dict[Slo, Ends], *, over: bool = True) -> Capacity:
        capacities = {
            slo: Capacity(held or 0.0, broke, over or self._decided(slo, held, broke))
            for slo, (held, broke) in ends.items()
        }
        main = capacities.pop(self.slos[0])
        return replace(main, others=capacities, trials=tuple(self.points))

    def best_so_far(self) -> Capacity:
        return self.capacity({slo: self.known(slo) for slo in self.slos}, over=False)

    def _decided(self, slo: Slo, held: float | None, broke: float | None) -> bool:
        """Whether the time ran out over other percentiles, but not over this one."""
        if self.goal.trials == 1 or not held or not broke:
            return False
        agree = [
            sum(slo.holds(lost) == good for lost in self.record.get(rate, ()))
            for rate, good in ((held, True), (broke, False))
        ]
        narrow = broke / held <= 1.001 * (1 + self.goal.width)
        return narrow and min(agree) > self.goal.trials / 2

    def known(self, slo: Slo) -> Ends:
        """Return the highest rate that held, a shown one if any, below the lowest that broke."""
        held = {rate: [slo.holds(ratio) for ratio in lost] for rate, lost in self.record.items()}
        broke = min(
            (r for r, trials in held.items() if sum(trials) * 2 < len(trials)), default=None
        )
        good = [r for r, trials in held.items() if any(trials) and (broke is None or r < broke)]
        shown = [rate for rate in good if support(slo, rate, broke, self.points).enough]
        return max(shown or good, default=0.0), broke

    def _run(self, rate: float, duration_s: float) -> float:
        longer_s = max(duration_s - self.goal.trial_s, 0)
        if (late_s := self.clock() + longer_s - self.deadline_s) >= 0:
            held, broke = self.known(self.slos[0])
            shown = support(self.slos[0], held or 0.0, broke, self.points).enough
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
        self.points.append(TrialPoint(rate, duration_s, lost))
        return lost


def _search(trials: _Trials, predicted: float, ceiling_rate: float) -> dict[Slo, Ends]:
    start = min(max(trials.goal.first * predicted, FLOOR), ceiling_rate)
    low, high = _bracket(trials, start, ceiling_rate)
    while low is not None:
        highest = high or ceiling_rate
        ends = trials.refine(low, highest)
        held, broke = ends[trials.slos[0]]
        if held is None:  # short trials promised too much
            low, high = _enclose_below(trials, broke or low)
        elif broke is None and highest < ceiling_rate:  # or too little
            low, high = _bracket(trials, held, ceiling_rate)
        else:
            return ends
    return dict.fromkeys(trials.slos, (None, high))


def _close_up(trials: _Trials, ceiling_rate: float) -> None:
    """Find the missing end of the interval when there is only time for short trials."""
    held, broke = trials.known(trials.slos[0])
    if not held:
        _enclose_below(trials, broke or ceiling_rate)
    elif broke is None:
        _enclose(trials, held, ceiling_rate)


def _bracket(
    trials: _Trials, start: float, ceiling_rate: float
) -> tuple[float | None, float | None]:
    """Find (a rate that holds, a rate that breaks) by short trials; None where there is none."""
    low, high = _enclose(trials, start, ceiling_rate)
    while low is not None and high is not None and high / low > trials.goal.narrow:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if trials.bracketing(middle) else (low, middle)
    return low, high


def _enclose(
    trials: _Trials, start: float, ceiling_rate: float
) -> tuple[float | None, float | None]:
    if not trials.bracketing(start):
        return _enclose_below(trials, start)
    low = start
    for factor in _factors(trials.goal.step, 1.7):  # gently: the next step may flood the server
        if low >= ceiling_rate:
            break
        high = min(low * factor, ceiling_rate)
        if not trials.bracketing(high):
            return low, high
        low = high
    return low, None


def _enclose_below(trials: _Trials, broke: float) -> tuple[float | None, float | None]:
    for factor in _factors(trials.goal.step, 3.0):
        if broke <= FLOOR:
            break
        lower = max(broke / factor, FLOOR)
        if trials.bracketing(lower):
            return lower, broke
        broke = lower
    return None, broke


def _factors(step: float, later: float) -> chain[float]:
    """Take two small steps, enough after a fair guess, then larger ones."""
    return chain((step, step), repeat(later))
