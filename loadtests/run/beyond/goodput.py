"""How much of the goodput is left when a cell gets more than its capacity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loadtests.errors import Unmeasured
from loadtests.load.answer import Answer
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import LOSSES, Tally, good, tally

LEAST = 0.5  # of the rate that held, to be a peak at all


def shares(counted: Tally) -> dict[str, float]:
    """Say which share of the requests got lost in each of the ways, and which was answered."""
    of = max(counted.scheduled, 1)
    return {kind: round(getattr(counted, kind) / of, 4) for kind in ("ok", *LOSSES)}


def overloaded(before: PhasedResult, passage: PhasedResult, slo: Slo) -> dict[str, Any]:
    """Say what became of an overload, and how much goodput there was just before, at `held`.

    Raises Unmeasured if that was hardly any.
    """
    held, rate = tally(before.work, slo, before.duration_s).goodput, before.phases[0].rate
    if held < LEAST * rate:
        raise Unmeasured(
            f"at the {rate:.0f}/s that had held in the search, only {held:.0f}/s were answered in "
            "time just before the overload: the machine is not what it was"
        )
    work = tally(passage.work, slo, passage.duration_s)
    bystander = tally(passage.bystander, slo, passage.duration_s)
    return {
        "rate": passage.phases[0].rate,
        "goodput": work.goodput,
        "goodput_before": held,
        "shares": shares(work),
        "bystander_p99_ms": bystander.p99_ms,
        "bystander_lost": bystander.loss_ratio,
    }


def kept_by_phase(passage: PhasedResult, peak: float, slo: Slo) -> list[float]:
    """Divide the goodput of each phase by what it could be: its rate, or the peak if less."""
    kept, begin = [], 0.0
    for phase in passage.phases:
        end = begin + phase.duration_s
        count = _good_between(passage.work, begin, end, slo)
        kept.append(count / phase.duration_s / min(phase.rate, peak))
        begin = end
    return kept


def _good_between(answers: Iterable[Answer], begin: float, end: float, slo: Slo) -> int:
    return sum(begin <= answer.intended_s < end and good(answer, slo) for answer in answers)
