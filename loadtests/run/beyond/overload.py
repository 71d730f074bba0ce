"""Offer more than the capacity of a cell. Its goodput reaches a plateau, or collapses.

The peak is the best goodput of these loads and of one before each of them, at the rate that held:
a machine that others use may be a fifth slower than it was at the time of the search.
"""

from __future__ import annotations

from typing import Any

from loadtests.errors import Unmeasured
from loadtests.load.schedule import Phase
from loadtests.run.beyond.goodput import overloaded
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.trial.phased import PhasedResult

FACTORS = CONSTANTS.overload


def run(bench: PeakLab, duration_s: float) -> dict[str, Any]:
    loads = [{"factor": factor, **_at(bench, factor, duration_s)} for factor in FACTORS]
    measured = [load for load in loads if "reason" not in load]
    if not measured:
        raise Unmeasured(loads[0]["reason"])
    peak = max(max(load["goodput"], load["goodput_before"]) for load in measured)
    for load in measured:
        load["kept"] = load["goodput"] / peak
    return {"loads": loads, "peak_goodput": peak}


def _at(bench: PeakLab, factor: float, duration_s: float) -> dict[str, Any]:
    def attempt(stand: LoadedServer) -> tuple[PhasedResult, PhasedResult]:
        before = stand.passage([Phase(bench.peak.held, duration_s / 2)])
        return before, stand.passage([Phase(rate, duration_s)])

    try:
        rate = bench.rate(factor)
        before, passage = bench.valid(attempt)
        return overloaded(before, passage, bench.slo)
    except Unmeasured as error:
        return {"reason": str(error)}
