"""Name the resource that bound a cell when it broke, with the numbers that prove it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtests.capacity.demands import Demands
from loadtests.cause import failure_rules, rules
from loadtests.cause.symptoms import Finding, Symptoms
from loadtests.trial.evidence import Evidence
from loadtests.wording import listing, percent

NAMES = (
    *("GIL", "cores", "loop blocked", "loop busy", "pool", "queue", "payload", "memory"),
    *("crashes", "generator", "neighbour", "failures", "too slow", "unknown"),
)
LIKELY = 0.5  # a resource so busy makes requests wait for it, by chance alone, under a tight bound
# What broke comes before what is full, for a cell that fails is full of failures; then the most
# special: a blocked loop or a GIL may also fill a pool, as pools and generators fill the cores.
RULES: tuple[Callable[[Symptoms], Finding | None], ...] = (
    failure_rules.memory,
    failure_rules.crashes,
    failure_rules.failures,
    failure_rules.generator,
    failure_rules.too_slow,
    rules.blocked,
    rules.payload,
    rules.loop_busy,
    rules.gil,
    rules.cores,
    rules.pool,
    rules.queue,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a load was not borne: a name for a matrix, one clause, and the numbers that prove it.

    `shares` tells where the time of late requests went (else that of all), stage by stage.
    """

    name: str
    sentence: str
    numbers: Mapping[str, float]
    shares: Mapping[str, float]


def diagnose(evidence: Evidence, lone: Demands | None = None) -> Cause:
    """Find what bound a load that broke; `lone` are the demands of a request of this cell."""
    seen = Symptoms(evidence, lone or Demands())
    found = next((finding for rule in RULES if (finding := rule(seen))), None)
    return Cause(*(found or _likely(seen) or _unknown(seen)), seen.shares)


def _likely(seen: Symptoms) -> Finding | None:
    """Nothing is full, but late requests waited: tell for what, if it is busy enough for that."""
    stage = seen.longest
    if stage == "queued" and (worked := seen.workers_busy or 0.0) >= LIKELY / 2:
        waited, slots = percent(seen.shares[stage]), seen.evidence.slots or 1
        sentence = (
            f"late requests spent {waited} of their time waiting for one of {slots} slots, "
            f"which were busy {percent(worked)} of the time: bursts are too much for them"
        )
        numbers = {"workers_busy": worked, "queued_share": seen.shares[stage]}
        return Finding("cores" if seen.one_for_each_core else "pool", sentence, numbers)
    busy, name, what = max(
        (seen.evidence.gil or 0.0, "GIL", "the GIL was held"),
        (seen.evidence.loop_cores or 0.0, "loop busy", "the event loop was busy"),
        (seen.cores_busy or 0.0, "neighbour" if seen.hogged else "cores", "the cores were busy"),
    )
    if stage in {None, "lag", "on_cpu"} or busy < LIKELY:
        return None
    sentence = f"{what} {percent(busy)} of the time, the most of all, while late requests waited"
    return Finding(name, sentence, {"busy": busy, f"{stage}_share": seen.shares[stage or ""]})


def _unknown(seen: Symptoms) -> Finding:
    looked_at = {
        "cores": seen.cores_busy,
        "the GIL": seen.evidence.gil,
        "the event loop": seen.evidence.loop_cores,
        "the pool": seen.workers_busy,
    }
    known = {name: share for name, share in looked_at.items() if share is not None}
    if not known:
        return Finding("unknown", "nothing of the server could be looked at", {})
    figures = listing([f"{name} {percent(share)}" for name, share in known.items()])
    return Finding("unknown", f"nothing that was looked at was used up: {figures}", known)
