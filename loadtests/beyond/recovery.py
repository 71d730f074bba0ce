"""How long a cell needs until it serves again: after a spike, and after a worker was killed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from loadtests.beyond.goodput import good
from loadtests.slo import Slo
from loadtests.tally import Answer

LEAST_S = 1.0  # of requests within the objective, to say that it holds again


def recovery_s(answers: Iterable[Answer], since_s: float, until_s: float, slo: Slo) -> float | None:
    """Return how long after `since_s` the objective holds again, for all that is due from then on.

    It is 0 if it held at once, and None if it did not while requests came, until `until_s`. One
    that holds for less than a second at the end is not held to have recovered.
    """
    due = sorted(answer for answer in answers if since_s <= answer.intended_s < until_s)
    lost = len(due) - sum(good(answer, slo) for answer in due)
    begin = since_s
    for number, answer in enumerate(due):
        if slo.allows(lost, len(due) - number):
            break
        lost -= not good(answer, slo)
        begin = answer.intended_s
    else:
        return None
    return begin - since_s if until_s - begin >= LEAST_S else None


def longest_gap_s(
    answers: Iterable[Answer], since_s: float, until_s: float, slo: Slo
) -> float | None:
    """Return the longest time without a right answer that came in time; None if there was none."""
    ended = sorted(
        answer.ended_s
        for answer in answers
        if good(answer, slo) and answer.ended_s and since_s <= answer.ended_s <= until_s
    )
    if not ended:
        return None
    return max(late - early for early, late in pairwise([since_s, *ended, until_s]))
