"""Name the resource that bound a cell when it broke, with the numbers that prove it.

Each cause is one `Rule`: how to find it, and what would prove it. `RULES` has them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from loadtests.capacity.demands import Demands
from loadtests.cause import failures, resources
from loadtests.cause.remedy import (
    Choice,
    DiagnosedCell,
    fewer_cores,
    larger_pool,
    longer_queue,
    more_gils,
    more_loops,
    smaller_payload,
    unproven,
)
from loadtests.cause.symptoms import Finding, Symptoms
from loadtests.trial.evidence import Evidence
from loadtests.wording import listing, percent

LIKELY = 0.5  # with a tight bound, requests wait for a resource that is this busy, by chance alone


class Rule(NamedTuple):
    """A cause: its name in a matrix, what finds it, and what would prove it.

    A finder may name another cause, where both show the same symptoms.
    """

    name: str
    find: Callable[[Symptoms], Finding | None]
    remedy: Callable[[DiagnosedCell], Choice]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a load broke: a name for a matrix, one clause, and the numbers that prove it."""

    name: str
    sentence: str
    numbers: Mapping[str, float]
    shares: Mapping[str, float]  # of each stage in the time of late requests, else of all


def diagnose(evidence: Evidence, lone: Demands | None = None) -> Cause:
    """Find what bound a load that broke; `lone` are the demands of a request of this cell."""
    symptoms = Symptoms(evidence, lone or Demands())
    finding = next(finding for rule in RULES if (finding := rule.find(symptoms)))
    return Cause(*finding, symptoms.shares)


def remedy(cause: str, cell: DiagnosedCell) -> Choice:
    """Choose the change that proves a cause, and predict what it does to capacity."""
    choose = next((rule.remedy for rule in RULES if rule.name == cause), UNKNOWN.remedy)
    return choose(cell)


def _unknown(symptoms: Symptoms) -> Finding:
    return _busiest(symptoms) or _nothing(symptoms)


def _busiest(symptoms: Symptoms) -> Finding | None:
    """No resource is full, but late requests waited for one that is busy enough."""
    stage = symptoms.longest
    if stage == "queued" and (worked := symptoms.workers_busy or 0.0) >= LIKELY / 2:
        waited, slots = percent(symptoms.shares[stage]), symptoms.evidence.slots or 1
        sentence = (
            f"late requests spent {waited} of their time waiting for one of {slots} slots, which, "
            f"busy {percent(worked)} of the time, cannot absorb bursts"
        )
        numbers = {"workers_busy": worked, "queued_share": symptoms.shares[stage]}
        return Finding("cores" if symptoms.one_for_each_core else "pool", sentence, numbers)
    busy, name, what = max(
        (symptoms.evidence.gil or 0.0, "GIL", "the GIL was"),
        (symptoms.evidence.loop_cores or 0.0, "loop busy", "the event loop was"),
        (symptoms.cores_busy or 0.0, "neighbour" if symptoms.hogged else "cores", "the cores were"),
    )
    if stage in {None, "lag", "on_cpu"} or busy < LIKELY:
        return None
    share = f"{'held' if name == 'GIL' else 'busy'} {percent(busy)} of the time"
    sentence = f"{what} the busiest resource ({share}) while late requests waited"
    return Finding(name, sentence, {"busy": busy, f"{stage}_share": symptoms.shares[stage or ""]})


def _nothing(symptoms: Symptoms) -> Finding:
    observed = {
        "cores": symptoms.cores_busy,
        "the GIL": symptoms.evidence.gil,
        "the event loop": symptoms.evidence.loop_cores,
        "the pool": symptoms.workers_busy,
    }
    known = {name: share for name, share in observed.items() if share is not None}
    if not known:
        return Finding("unknown", "no resource of the server could be observed", {})
    figures = listing([f"{name} {percent(share)}" for name, share in known.items()])
    return Finding("unknown", f"no resource that was observed was used up: {figures}", known)


UNKNOWN = Rule("unknown", _unknown, unproven("no resource is blamed"))
# Failures come before full resources, because a cell that fails also fills up with failures. Then
# the most specific first: a blocked loop or a GIL may also fill a pool, pools may fill the cores.
RULES = (
    Rule(
        "memory",
        failures.memory,
        unproven(
            "the amount of memory cannot be changed",
            "let fewer requests run at once (--threads, --processes), or add memory",
        ),
    ),
    Rule(
        "crashes",
        failures.crashes,
        unproven(
            "what kills the workers is not known", "find out in server.log what kills the workers"
        ),
    ),
    Rule(
        "failures",
        failures.failures,
        unproven("the work itself fails or is wrong, so no resource helps", "mend the work"),
    ),
    Rule(
        "generator",
        failures.generator,
        unproven("the generator was the limit, not the server", "`--generators 2`"),
    ),
    Rule(
        "too slow",
        failures.too_slow,
        unproven(
            "the work alone takes longer than the objective allows",
            "make the work faster, or allow it more time (--slo)",
        ),
    ),
    Rule("loop blocked", resources.blocked, more_loops),
    Rule("payload", resources.payload, smaller_payload),
    Rule("loop busy", resources.loop_busy, more_loops),
    Rule("GIL", resources.gil, more_gils),
    Rule(
        "neighbour",
        resources.neighbour,
        unproven(
            "other processes on this machine cannot be stopped by a test",
            "stop other programs, and measure again",
        ),
    ),
    Rule("cores", resources.cores, fewer_cores),
    Rule("pool", resources.pool, larger_pool),
    Rule("queue", resources.queue, longer_queue),
    UNKNOWN,
)
