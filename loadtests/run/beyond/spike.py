"""Let the load jump to three times the capacity, and measure how soon the cell recovers."""

from __future__ import annotations

from typing import Any

from loadtests.load.schedule import Phase
from loadtests.run.beyond.goodput import HELD_S, recovery_s
from loadtests.run.beyond.lab import PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.slo import Slo, requests_needed
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import good

AFTER = 2  # times as long as the spike


def run(lab: PeakLab, duration_s: float) -> dict[str, Any]:
    rates = [lab.rate(factor) for factor in CONSTANTS.spike]
    phases = list(map(Phase, rates, (duration_s, duration_s, AFTER * duration_s)))
    result = lab.valid(lambda server: server.offer(phases))
    end, until = 2 * duration_s, result.duration_s
    streams = [answers for answers in (result.work, result.bystander) if answers]
    both = [recovery_s(answers, end, until, lab.slo) for answers in streams]
    recovered = [time_s for time_s in both if time_s is not None]
    return {
        "rates": rates,
        "kept": kept_by_phase(result, lab.peak.goodput, lab.slo),
        "recovery_s": max(recovered) if len(recovered) == len(both) else None,
        "watched_s": until - end - HELD_S,
        "requests": sum(answer.intended_s >= end for answer in result.work),
        "needed": requests_needed(lab.slo.loss_ratio, 0),
    }


def kept_by_phase(result: PhasedResult, peak: float, slo: Slo) -> list[float]:
    """Divide the goodput of each phase by its rate, or by the peak if that is less."""
    kept, begin = [], 0.0
    for phase in result.phases:
        end = begin + phase.duration_s
        count = sum(begin <= item.intended_s < end and good(item, slo) for item in result.work)
        kept.append(count / phase.duration_s / min(phase.rate, peak))
        begin = end
    return kept
