"""Offer more than the capacity of a cell. Its goodput reaches a plateau, or collapses.

The peak is the best goodput of these loads and of a load before each, at the capacity: a shared
machine may be a fifth slower than it was when the capacity was measured.
"""

from __future__ import annotations

from typing import Any

from loadtests.errors import Unmeasured
from loadtests.load.schedule import Phase
from loadtests.run.beyond.goodput import shares
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import tally

FACTORS = CONSTANTS.overload
LEAST = 0.5  # of the capacity, to be a peak at all


def run(lab: PeakLab, duration_s: float) -> dict[str, Any]:
    loads = [{"factor": factor, **_at(lab, factor, duration_s)} for factor in FACTORS]
    measured = [load for load in loads if "reason" not in load]
    if not measured:
        raise Unmeasured(loads[0]["reason"])
    peak = max(max(load["goodput"], load["goodput_before"]) for load in measured)
    for load in measured:
        load["kept"] = load["goodput"] / peak
    return {"loads": loads, "peak_goodput": peak}


def overloaded(before: PhasedResult, result: PhasedResult, slo: Slo) -> dict[str, Any]:
    """Return the outcome of an overload, and the goodput just before it, at the capacity.

    Raises Unmeasured if there was hardly any.
    """
    before_goodput, rate = tally(before.work, slo, before.duration_s).goodput, before.phases[0].rate
    if before_goodput < LEAST * rate:
        raise Unmeasured(
            f"at its capacity of {rate:.0f}/s, only {before_goodput:.0f}/s were answered in time "
            "just before the overload: the machine has become slower"
        )
    work = tally(result.work, slo, result.duration_s)
    bystander = tally(result.bystander, slo, result.duration_s)
    return {
        "rate": result.phases[0].rate,
        "goodput": work.goodput,
        "goodput_before": before_goodput,
        "shares": shares(work),
        "bystander_p99_ms": bystander.p99_ms,
        "bystander_lost": bystander.loss_ratio,
    }


def _at(lab: PeakLab, factor: float, duration_s: float) -> dict[str, Any]:
    def attempt(server: LoadedServer) -> tuple[PhasedResult, PhasedResult]:
        before = server.offer([Phase(lab.peak.capacity, duration_s / 2)])
        return before, server.offer([Phase(rate, duration_s)])

    try:
        rate = lab.rate(factor)
        before, result = lab.valid(attempt)
        return overloaded(before, result, lab.slo)
    except Unmeasured as error:
        return {"reason": str(error)}
