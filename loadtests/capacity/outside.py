"""What one request costs a service that reports nothing of itself: from a ladder of clients."""

from __future__ import annotations

from dataclasses import replace

from loadtests.capacity.calibration import Calibration
from loadtests.capacity.climb import WINDOW_S, Outside, climb, service_times
from loadtests.capacity.ladder import Rung
from loadtests.errors import Untrustworthy
from loadtests.load.answer import Stages
from loadtests.load.request import RequestSpec
from loadtests.machine.platform import cores
from loadtests.trial.admitted import Admitted
from loadtests.trial.evidence import Evidence

MOST_RUNS = 200  # times of answers


def from_outside(
    url: str, request: RequestSpec, outside: Outside, bound_s: float, *, insecure: bool = False
) -> Calibration:
    """Measure both of a service that reports nothing of itself, by a ladder of clients.

    Raises Untrustworthy where it gives no right answer.
    """
    climbed = climb(url, request, outside, insecure=insecure)
    if not climbed.rungs:
        raise Untrustworthy(f"{request.label}: no right answer came from {url}")
    known, first = climbed.admitted, climbed.rungs[0]
    top = max(climbed.rungs, key=lambda step: (step.lawful, step.rate))
    crowd = _of_rung(top, bound_s, known)
    lone = replace(
        _of_rung(first, bound_s, known),
        typical=outside_stages(first.response_s, known, crowd),
    )
    return Calibration(lone, crowd, service_times(climbed, MOST_RUNS), top.clients, known)


def _of_rung(step: Rung, bound_s: float, known: Admitted | None) -> Evidence:
    load = Evidence(
        *(step.rate, WINDOW_S, bound_s, step.answers, step.rate),
        cores=cores(),
        server_cores=step.server_cores,
        generator_cores=step.generator_cores,
    )
    return with_admitted(load, known)


def outside_stages(response_s: float, known: Admitted | None, crowd: Evidence) -> Stages:
    """Divide the time of a lone request into what computes, waits inside, and is outside."""
    used, calls = crowd.server_cores or 0.0, crowd.completed
    computing_s = min(used / calls if calls else 0.0, response_s)
    inside_s = min(known.service_s if known and known.slots else response_s, response_s)
    waiting_s = max(inside_s - computing_s, 0.0)
    return Stages(
        outside=response_s - computing_s - waiting_s, on_cpu=computing_s, off_cpu=waiting_s
    )


def with_admitted(load: Evidence, known: Admitted | None) -> Evidence:
    """Add what is known of a service that reports nothing of itself."""
    if known is None:
        return load
    computes = known.busy == "process" or known.blocked
    process_cores = None if load.server_cores is None else load.server_cores / known.servers
    return replace(
        load,
        admitted=known,
        slots=None if known.blocked else known.slots,
        servers=known.servers,
        loops=known.servers,
        on_loop=known.blocked,
        loop_cores=process_cores if computes else None,
    )
