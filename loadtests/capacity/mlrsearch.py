"""Narrow a bracket with MLRsearch: the only file that knows that library."""

import math
from collections.abc import Callable, Mapping, Sequence

from MLRsearch import (  # type: ignore[import-untyped]  # it ships no type information
    AbstractMeasurer,
    Config,
    MeasurementResult,
    MultipleLossRatioSearch,
    SearchGoal,
)

from loadtests.capacity.bounds import Ends
from loadtests.capacity.goals import Goal
from loadtests.slo import Slo

_COUNTED = 1_000_000  # it takes counts: a ratio then keeps six digits
_LEAST = 1 / _COUNTED  # the smallest loss ratio that it can distinguish
_NEVER_S = 1e9  # its own deadline reads the wall clock: the budget is kept by `search`
_STEP_DOWN = 0.999  # any lower rate will do: it goes down by at least a whole width


def refine(
    final: Callable[[float], float],
    bracket: tuple[float, float, float],
    broken: Mapping[float, float],
    goal: Goal,
    slos: Sequence[Slo],
) -> dict[Slo, Ends]:
    """Return the rates that held and broke for each SLO.

    `final(rate)` runs a trial of full length and returns the loss ratio that decides it. `bracket`
    is (the lowest rate to try, a rate that seems to hold, the highest rate). `broken` are the
    loss ratios of rates at which trials broke before; these count as the first trial there.
    All SLOs share one bound; the first is the main one.
    """
    least, low, high = bracket
    config = Config()
    config.goals = [_goal(goal, slo) for slo in slos]
    config.min_load = least  # first: each setter checks against the present value of the other
    config.max_load = high
    config.warmup_duration = None
    config.search_duration_max = _NEVER_S
    controller = MultipleLossRatioSearch(config=config)
    results = controller.search(_Measurer(final, low, broken, slos), _ignore)
    return {
        slo: (_rate(result.relevant_lower_bound), _rate(result.relevant_upper_bound))
        for slo, result in zip(slos, results.values(), strict=True)
    }


def _goal(goal: Goal, slo: Slo) -> SearchGoal:
    return SearchGoal(
        loss_ratio=slo.loss_ratio,
        exceed_ratio=goal.exceed,
        relative_width=1 - 1 / (1 + goal.width),
        # Time is counted in trials, because the seconds of a trial depend on its rate.
        initial_trial_duration=1,
        final_trial_duration=1,
        duration_sum=goal.trials,
        preceding_targets=0 if goal.trials == 1 else 1,
        fail_fast=False,
    )


def _rate(bound: float | None) -> float | None:
    return None if bound is None else float(bound)


class _Measurer(AbstractMeasurer):  # type: ignore[misc]  # its type is unknown, see above
    def __init__(
        self,
        final: Callable[[float], float],
        low: float,
        broken: Mapping[float, float],
        slos: Sequence[Slo],
    ) -> None:
        self._final = final
        self._low = low
        self._broken = dict(broken)
        self._slos = slos

    def measure(self, intended_duration: float, intended_load: float) -> MeasurementResult:
        # A trial of the bracketing counts once; when asked again, a new trial is run.
        before = self._broken.pop(intended_load, None)
        lost = self._final(intended_load) if before is None else before
        return MeasurementResult(
            intended_duration=intended_duration,
            intended_load=intended_load,
            offered_count=_COUNTED,
            loss_count=math.ceil(self._reported(intended_load, lost) * _COUNTED - 1e-6),
        )

    def _reported(self, rate: float, lost: float) -> float:
        """Return a loss ratio that breaks exactly the goals that broke.

        MLRsearch takes whatever was not lost as the throughput and continues there. That works
        for dropped packets, but not for late answers: one backlog makes everything after it late,
        and a trial that was ended early has lost an arbitrary share. So a trial in which every
        goal broke reports the ratio that leads to the middle between its rate and the one that
        seems to hold. Where only the stricter goals broke, it reports the loosest of these.
        """
        broke = [slo.loss_ratio for slo in self._slos if not slo.holds(lost)]
        if not broke:
            return 0.0
        above = max(broke) + _LEAST
        if len(broke) < len(self._slos):
            return above
        down = math.sqrt(self._low / rate) if self._low < rate else _STEP_DOWN
        strictest = min(broke)
        return max(above, 1 - (1 - strictest) * min(down, _STEP_DOWN))


def _ignore(_: str) -> None:
    """Drop MLRsearch's debug messages."""
