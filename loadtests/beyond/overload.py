"""Offer more than a cell bears, and see what is left of its goodput: a plateau, or a collapse."""

from __future__ import annotations

from typing import Any

from loadtests.beyond.bench import Bench, Unmeasured
from loadtests.beyond.goodput import overloaded
from loadtests.passage import Phase

FACTORS = (1.5, 2.0)


def run(bench: Bench, duration_s: float) -> dict[str, Any]:
    loads = [{"factor": factor, **_at(bench, factor, duration_s)} for factor in FACTORS]
    if all("reason" in load for load in loads):
        raise Unmeasured(loads[0]["reason"])
    return {"loads": loads}


def _at(bench: Bench, factor: float, duration_s: float) -> dict[str, Any]:
    try:
        phases = [Phase(bench.rate(factor), duration_s)]
        passage = bench.valid(lambda stand: stand.passage(phases))
    except Unmeasured as error:
        return {"reason": str(error)}
    return overloaded(passage, bench.peak.goodput, bench.slo)
