"""Let the load jump to three times the capacity, and measure how soon the cell recovers."""

from __future__ import annotations

from typing import Any

from loadtests.capacity.support import needed
from loadtests.load.schedule import Phase
from loadtests.run.beyond.goodput import kept_by_phase
from loadtests.run.beyond.lab import PeakLab
from loadtests.run.beyond.recovery import HELD_S, recovery_s

CALM, SPIKE = 0.5, 3.0  # of the capacity
AFTER = 2  # times as long as the spike


def run(bench: PeakLab, duration_s: float) -> dict[str, Any]:
    calm, spike = bench.rate(CALM), bench.rate(SPIKE)
    phases = [Phase(calm, duration_s), Phase(spike, duration_s), Phase(calm, AFTER * duration_s)]
    passage = bench.valid(lambda stand: stand.passage(phases))
    end, until = 2 * duration_s, passage.duration_s
    both = [
        recovery_s(answers, end, until, bench.slo) for answers in (passage.work, passage.bystander)
    ]
    recovered = [one for one in both if one is not None]
    return {
        "rates": [calm, spike, calm],
        "kept": kept_by_phase(passage, bench.peak.goodput, bench.slo),
        "recovery_s": max(recovered) if len(recovered) == len(both) else None,
        "watched_s": until - end - HELD_S,
        "requests": sum(answer.intended_s >= end for answer in passage.work),
        "needed": needed(bench.slo),
    }
