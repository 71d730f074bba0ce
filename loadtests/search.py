"""Find the capacity of a cell in few trials: a bracket from below, then MLRsearch within it."""

import math
from itertools import chain, repeat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from MLRsearch import (  # type: ignore[import-untyped]
    AbstractMeasurer,
    Config,
    MeasurementResult,
    MultipleLossRatioSearch,
    SearchGoal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.slo import Slo
    from loadtests.trial import Verdict

FLOOR = 1.0  # requests per second; what bears less bears nothing
_COUNTED = 1_000_000  # MLRsearch wants counts; a ratio keeps six digits
_NEVER_S = 1e9  # MLRsearch's own deadline reads the wall clock: ours reads the caller's


@dataclass(frozen=True, slots=True)
class Goal:
    """How carefully to search.

    `requests`: that a final trial offers at least. `trial_s`: its shortest duration.
    `bracket_s`: duration of a bracketing trial. `first`: where bracketing begins, as a share of
    the saturation. `step`: factor between bracketing rates. `confirm`: broken trials in a row
    that make a bracket. `trials`: that decide a load; `exceed`: the share of them that may break.
    `width`: broke ÷ held - 1. `budget_s`: no trial begins later than this.
    """

    requests: int
    trial_s: float
    bracket_s: float
    some: int
    first: float
    step: float
    narrow: float
    below: int
    confirm: int
    trials: int
    exceed: float
    width: float
    budget_s: float


QUICK = Goal(
    requests=299,
    trial_s=5.0,
    bracket_s=1.0,
    some=30,
    first=0.92,
    step=1.2,
    narrow=1.0999,
    below=2,
    confirm=1,
    trials=1,
    exceed=0.5,
    width=0.10,
    budget_s=60.0,
)
FULL = Goal(
    requests=1049,
    trial_s=5.0,
    bracket_s=3.0,
    some=30,
    first=0.8,
    step=1.2,
    narrow=1.21,
    below=4,
    confirm=2,
    trials=3,
    exceed=0.5,
    width=0.05,
    budget_s=300.0,
)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The interval [held, broke] of offered rates per second.

    `held` is 0 if no load is borne; `broke` is None if the highest rate that can be offered held.
    Not `complete` means that the time ran out: the interval is then wider than asked for.
    """

    held: float
    broke: float | None
    complete: bool = True


def trial_duration(rate: float, slo: "Slo", requests: int, shortest_s: float = 5.0) -> float:
    """Return how long a final trial lasts: max(5 s, requests / rate, 20 bounds)."""
    return max(shortest_s, requests / rate, 20 * slo.bound_s)


def search(
    measure: "Callable[[float, float], Verdict]",
    saturation: float,
    goal: Goal,
    ceiling_rate: float,
    slo: "Slo",
    clock: "Callable[[], float]",
) -> Capacity:
    """Search for the highest rate that holds.

    `measure(rate, duration_s)` runs a valid trial; what it raises passes through. `saturation` is
    a rough guess of the highest throughput, `ceiling_rate` the highest rate that the generator
    can offer, `clock` tells the seconds that count towards the budget.
    """
    bench = _Bench(measure, goal, slo, clock, clock() + goal.budget_s)
    try:
        return _search(bench, saturation, ceiling_rate)
    except _OutOfTimeError:
        return bench.best_so_far()


class _OutOfTimeError(Exception):
    pass


@dataclass
class _Bench:
    measure: "Callable[[float, float], Verdict]"
    goal: Goal
    slo: "Slo"
    clock: "Callable[[], float]"
    deadline_s: float
    record: dict[float, list[bool]] = field(default_factory=dict)

    def bracketing(self, rate: float) -> bool:
        """Run a short trial, and repeat a broken one as often as the goal wants it confirmed."""
        duration_s = min(
            max(self.goal.bracket_s, self.goal.some / rate),
            trial_duration(rate, self.slo, self.goal.requests, self.goal.trial_s),
        )
        return any(self._run(rate, duration_s) for _ in range(self.goal.confirm))

    def final(self, rate: float) -> bool:
        goal = self.goal
        return self._run(rate, trial_duration(rate, self.slo, goal.requests, goal.trial_s))

    def _run(self, rate: float, duration_s: float) -> bool:
        if self.clock() >= self.deadline_s:
            raise _OutOfTimeError
        held = self.measure(rate, duration_s).held
        self.record.setdefault(rate, []).append(held)
        return held

    def best_so_far(self) -> Capacity:
        bad = [rate for rate, held in self.record.items() if sum(held) * 2 < len(held)]
        broke = min(bad, default=math.inf)
        good = [rate for rate, held in self.record.items() if any(held) and rate < broke]
        return Capacity(max(good, default=0.0), min(bad, default=None), complete=False)


def _search(bench: _Bench, saturation: float, ceiling_rate: float) -> Capacity:
    start = bench.goal.first * saturation
    low, high = _bracket(bench, min(max(start, FLOOR), ceiling_rate), ceiling_rate)
    while low is not None:
        least = max(low / (1 + bench.goal.width) ** bench.goal.below, min(FLOOR, low))
        held, broke = _refine(bench, least, low, high or ceiling_rate)
        if held is None:
            low, high = _enclose_below(bench, least)
        elif broke is None and high is not None and held < ceiling_rate:
            low, high = _bracket(bench, held, ceiling_rate)
        else:
            return Capacity(held, broke)
    return Capacity(0.0, high)


def _bracket(bench, start, ceiling_rate):
    low, high = _enclose(bench, start, ceiling_rate)
    while low is not None and high is not None and high / low > bench.goal.narrow:
        middle = math.sqrt(low * high)
        if bench.bracketing(middle):
            low = middle
        else:
            high = middle
    return low, high


def _enclose(bench, start, ceiling_rate):
    step = bench.goal.step
    if bench.bracketing(start):
        low = start
        for jump in chain((step, step), repeat(step**3)):
            if low >= ceiling_rate:
                return low, None
            high = min(low * jump, ceiling_rate)
            if not bench.bracketing(high):
                return low, high
            low = high
    return _enclose_below(bench, start)


def _enclose_below(bench, high):
    step = bench.goal.step
    for jump in chain((step, step), repeat(step**6)):
        if high <= FLOOR:
            return None, high
        low = max(high / jump, FLOOR)
        if bench.bracketing(low):
            return low, high
        high = low
    raise AssertionError


def _refine(bench, least, low, high):
    goal = bench.goal
    config = Config()
    config.goals = [
        SearchGoal(
            loss_ratio=bench.slo.loss_ratio,
            exceed_ratio=goal.exceed,
            relative_width=1 - 1 / (1 + goal.width),
            initial_trial_duration=1,
            final_trial_duration=1,
            duration_sum=goal.trials,
            preceding_targets=0 if goal.trials == 1 else 1,
            fail_fast=False,
        )
    ]
    config.min_load = least  # first: each setter checks against the other's present value
    config.max_load = high
    config.warmup_duration = None
    config.search_duration_max = _NEVER_S
    measurer = _Measurer(bench, low)
    results = MultipleLossRatioSearch(config=config).search(measurer=measurer, debug=lambda _: None)
    (result,) = results.values()
    a, b = result.relevant_lower_bound, result.relevant_upper_bound
    return (float(a) if a else None, float(b) if b else None)


class _Measurer(AbstractMeasurer):
    def __init__(self, bench, low):
        self.bench = bench
        self.low = low
        self.known = {r: list(v) for r, v in bench.record.items() if not any(v)}

    def measure(self, intended_duration, intended_load):
        known = self.known.get(intended_load)
        if known:
            held = known.pop()
        else:
            held = self.bench.final(intended_load)
        ratio = self.bench.slo.loss_ratio
        loss = 0.0
        if not held:
            next_ = math.sqrt(self.low * intended_load) if self.low < intended_load else intended_load * 0.999
            loss = 1 - (1 - ratio) * next_ / intended_load
        return MeasurementResult(
            intended_duration=intended_duration,
            intended_load=intended_load,
            offered_count=_COUNTED,
            loss_count=round(loss * _COUNTED),
        )
