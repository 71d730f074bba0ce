"""Let the load jump to three times the capacity, and measure how soon the cell recovers."""

from __future__ import annotations

from typing import Any

from loadtests.capacity.support import needed
from loadtests.load.schedule import Phase
from loadtests.run.beyond.goodput import kept_by_phase
from loadtests.run.beyond.lab import PeakLab
from loadtests.run.beyond.recovery import HELD_S, recovery_s
from loadtests.run.constants import CONSTANTS

AFTER = 2  # times as long as the spike


def run(bench: PeakLab, duration_s: float) -> dict[str, Any]:
    rates = [bench.rate(factor) for factor in CONSTANTS.spike]
    lengths = (duration_s, duration_s, AFTER * duration_s)
    phases = list(map(Phase, rates, lengths))
    passage = bench.valid(lambda stand: stand.passage(phases))
    end, until = 2 * duration_s, passage.duration_s
    both = [
        recovery_s(answers, end, until, bench.slo) for answers in (passage.work, passage.bystander)
    ]
    recovered = [one for one in both if one is not None]
    return {
        "rates": rates,
        "kept": kept_by_phase(passage, bench.peak.goodput, bench.slo),
        "recovery_s": max(recovered) if len(recovered) == len(both) else None,
        "watched_s": until - end - HELD_S,
        "requests": sum(answer.intended_s >= end for answer in passage.work),
        "needed": needed(bench.slo),
    }
