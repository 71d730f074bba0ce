"""What the trials of one search have shown: what the cell cost, and what bound it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.cause.rules import Cause
from loadtests.trial.evidence import Evidence
from loadtests.trial.trial import Trial


@dataclass(frozen=True, slots=True)
class Held:
    """A load that held, and what the server's processes consumed under it."""

    trial: Trial
    cpu_ms_per_request: float | None
    pss_mib: float | None


@dataclass(frozen=True, slots=True)
class Broke:
    """A load that broke, by what sign, and why."""

    trial: Trial
    seen: Evidence
    broke_by: str | None
    cause: Cause


def report(
    found: Capacity, those_held: Sequence[Held], those_broke: Sequence[Broke]
) -> dict[str, Any]:
    """Say of a cell, beside its capacity, what it cost and what bound it."""
    held = [one for one in those_held if one.trial.rate <= found.held]
    best = max(held, key=lambda one: one.trial.rate, default=None)
    beyond = [one for one in those_broke if one.trial.rate > found.held]
    # The longest trial at the lowest rate that broke: it saw most of what ended first.
    first = min(beyond, key=lambda one: (one.trial.rate, -one.trial.duration_s), default=None)
    # Where the generator was the limit, the search knows of no break, but a trial may.
    broke = found.broke or (first.trial.rate if first else None)
    return {
        "held": round(found.held, 2),
        "broke": None if broke is None else round(broke, 2),
        "complete": found.complete,
        "goals": {str(slo): [one.held, one.broke] for slo, one in found.others.items()},
        "tried": [list(one) for one in found.trials],
        "bystander_p99_ms": best.trial.bystander.p99_ms if best else None,
        "cpu_ms_per_request": best.cpu_ms_per_request if best else None,
        "pss_mib": best.pss_mib if best else None,
        "peak_goodput": max((one.trial.work.goodput for one in held), default=None),
        "broke_by": first.broke_by if first else None,
        "cause": first.cause.name if first else None,
        "cause_evidence": asdict(first.cause) if first else None,
        "evidence": asdict(first.seen) if first else None,
    }
