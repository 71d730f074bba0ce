"""The goodput of a load: the outcomes of its requests, and how long it takes to recover."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from loadtests.slo import exceeds
from loadtests.trial.tally import LOSSES, Tally, good

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtests.load.answer import Answer
    from loadtests.slo import Slo

HELD_S = 2.0  # the SLO is met again once it has been met for this long
STEP_S = 0.1


def shares(counted: Tally) -> dict[str, float]:
    """Return the share of requests that were answered in time, and lost in each way."""
    of = max(counted.scheduled, 1)
    return {kind: round(getattr(counted, kind) / of, 4) for kind in ("ok", *LOSSES)}


def recovery_s(answers: Iterable[Answer], since_s: float, until_s: float, slo: Slo) -> float | None:
    """Return the seconds from `since_s` until the SLO is met again, or None if it never is.

    It is met from the first moment after which it is met for two seconds, or for half of the time
    if that is less: fewer requests prove nothing, and more would let a later pause count as well.
    """
    ordered = sorted(answers)
    starts = [answer.intended_s for answer in ordered]
    lost = [0, *accumulate(not good(answer, slo) for answer in ordered)]
    span = min(HELD_S, (until_s - since_s) / 2)
    for step in range(int((until_s - since_s - span) / STEP_S + 1e-6) + 1):
        begin = since_s + step * STEP_S
        first, last = (bisect_left(starts, at) for at in (begin, begin + span))
        if last > first and not exceeds(lost[last] - lost[first], last - first, slo.loss_ratio):
            return round(step * STEP_S, 3)
    return None


def longest_gap_s(
    answers: Iterable[Answer], since_s: float, until_s: float, slo: Slo
) -> float | None:
    """Return the longest time without a right answer in time, or None if there was none at all."""
    ended = sorted(
        answer.ended_s
        for answer in answers
        if good(answer, slo) and answer.ended_s and since_s <= answer.ended_s <= until_s
    )
    if not ended:
        return None
    return max(late - early for early, late in pairwise([since_s, *ended, until_s]))
