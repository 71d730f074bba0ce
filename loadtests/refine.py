"""Narrow a bracket with MLRsearch: the one place that knows that library and its ways."""

import math
from typing import TYPE_CHECKING

from MLRsearch import (  # type: ignore[import-untyped]  # it ships no type information
    AbstractMeasurer,
    Config,
    MeasurementResult,
    MultipleLossRatioSearch,
    SearchGoal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from loadtests.goals import Goal

_COUNTED = 1_000_000  # it wants counts: a ratio then keeps six digits
_NEVER_S = 1e9  # its own deadline reads the wall clock: the budget is kept by `search`
_STEP_DOWN = 0.999  # any lower rate: it goes down by a whole width at least


def refine(
    final: "Callable[[float], bool]",
    bracket: tuple[float, float, float],
    broken: "Collection[float]",
    goal: "Goal",
    loss_ratio: float,
) -> tuple[float | None, float | None]:
    """Return the rates that held and broke, or None for one that the bracket does not contain.

    `final(rate)` runs a trial of full length and says whether it held. `bracket` is (the lowest
    rate to try, a rate that seems to hold, the highest rate). `broken` are rates at which trials
    broke before: the first trial there is not run again.
    """
    least, low, high = bracket
    config = Config()
    config.goals = [
        SearchGoal(
            loss_ratio=loss_ratio,
            exceed_ratio=goal.exceed,
            relative_width=1 - 1 / (1 + goal.width),
            # Time is counted in trials, for how many seconds one takes depends on its rate.
            initial_trial_duration=1,
            final_trial_duration=1,
            duration_sum=goal.trials,
            preceding_targets=0 if goal.trials == 1 else 1,
            fail_fast=False,
        )
    ]
    config.min_load = least  # first, for each setter checks against the other's present value
    config.max_load = high
    config.warmup_duration = None
    config.search_duration_max = _NEVER_S
    controller = MultipleLossRatioSearch(config=config)
    (found,) = controller.search(_Measurer(final, low, broken, loss_ratio), _ignore).values()
    held, broke = found.relevant_lower_bound, found.relevant_upper_bound
    return None if held is None else float(held), None if broke is None else float(broke)


class _Measurer(AbstractMeasurer):  # type: ignore[misc]  # its type is unknown, see above
    def __init__(
        self,
        final: "Callable[[float], bool]",
        low: float,
        broken: "Collection[float]",
        loss_ratio: float,
    ) -> None:
        self._final = final
        self._low = low
        self._broken = set(broken)
        self._loss_ratio = loss_ratio

    def measure(self, intended_duration: float, intended_load: float) -> MeasurementResult:
        loss = 0.0 if self._held(intended_load) else self._guiding_loss(intended_load)
        return MeasurementResult(
            intended_duration=intended_duration,
            intended_load=intended_load,
            offered_count=_COUNTED,
            loss_count=math.ceil(loss * _COUNTED),
        )

    def _held(self, rate: float) -> bool:
        if rate in self._broken:  # found while bracketing; a second look is a new trial
            self._broken.remove(rate)
            return False
        return self._final(rate)

    def _guiding_loss(self, rate: float) -> float:
        """Return the loss ratio of a broken load that leads the search to the best next one.

        MLRsearch takes what was not lost for the throughput, and goes on from there. That is
        true of dropped packets, but not of late answers: one backlog makes all that follow late,
        and a trial that is ended early has lost any share. So a broken trial, whatever broke it,
        reports the ratio that leads to the middle between it and the rate that seems to hold.
        It is above the goal's.
        """
        down = math.sqrt(self._low / rate) if self._low < rate else _STEP_DOWN
        return 1 - (1 - self._loss_ratio) * min(down, _STEP_DOWN)


def _ignore(_: str) -> None:
    """Drop MLRsearch's debug messages."""
