"""Name the resource that bound a cell when it broke, with the numbers that prove it.

Each cause is one `Rule`: how to find it, and what would prove it. `RULES` has them all.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from loadtests.capacity.demands import Demands
from loadtests.cause import failures, outside, resources, waits
from loadtests.cause.outside import either
from loadtests.cause.remedy import (
    Choice,
    DiagnosedCell,
    fewer_cores,
    fewer_threads,
    larger_pool,
    less_contention,
    longer_queue,
    more_gils,
    more_loops,
    smaller_payload,
    unproven,
)
from loadtests.cause.symptoms import Finding, Symptoms
from loadtests.trial.evidence import Evidence

ALIKE = 0.95  # of the largest quotient: then the more specific rule, which comes first, is right
CLOSE = 0.9  # of it: what comes so near is the runner-up


class Rule(NamedTuple):
    """A cause: its name in a matrix, what finds it, and what would prove it.

    A finder may name another cause, where both show the same symptoms.
    """

    name: str
    find: Callable[[Symptoms], Finding | None]
    remedy: Callable[[DiagnosedCell], Choice]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a load broke: a name for a matrix, one clause, and the numbers that prove it.

    `quotients` are the utilisations of resources that may have been the limit, by the cause that
    they would be, each divided by the one at which the objective is just met.
    """

    name: str
    sentence: str
    numbers: Mapping[str, float]
    shares: Mapping[str, float]  # of each stage in the time of late requests, else of all
    quotients: Mapping[str, float] = field(default_factory=dict)


def diagnose(evidence: Evidence, lone: Demands | None = None, runs: Sequence[float] = ()) -> Cause:
    """Find what bound a load that broke.

    `lone` are the demands of a request of this cell, `runs` the seconds that lone calls ran. The
    first rule that applies is right, except among resources: there the largest quotient is.
    """
    symptoms = Symptoms(evidence, lone or Demands(), tuple(runs))
    findings = [finding for rule in RULES if (finding := rule.find(symptoms))]
    quotients = {
        finding.name: finding.quotient for finding in findings if finding.quotient is not None
    }
    first, most = findings[0], max(quotients.values(), default=0.0)
    if first.quotient is not None:
        first = next(known for known in findings if (known.quotient or 0.0) >= ALIKE * most)
    return Cause(first.name, first.sentence, first.numbers, symptoms.shares, quotients)


def runner_up(name: str, quotients: Mapping[str, float]) -> str | None:
    """Name the resource that comes next to the one that is blamed, if it comes close."""
    others = {other: quotient for other, quotient in quotients.items() if other != name}
    second = max(others, key=others.__getitem__, default=None)
    if second is None or others[second] < CLOSE * quotients.get(name, math.inf):
        return None
    return second


def remedy(cause: str, cell: DiagnosedCell) -> Choice:
    """Choose the change that proves a cause, and predict what it does to capacity."""
    choose = next((rule.remedy for rule in RULES if rule.name == cause), UNKNOWN.remedy)
    return choose(cell)


UNKNOWN = Rule("unknown", waits.unknown, unproven("no resource is blamed"))
# Failures come before full resources, because a cell that fails also fills up with failures. Then
# what is certain without a comparison; the resources, which are compared with one another; and what
# requests wait for where no resource is used up.
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
        "CPU quota",
        failures.quota,
        unproven(
            "a CPU quota cannot be lifted by a test",
            "raise the CPU quota of the container, or compute less per request",
        ),
    ),
    Rule(
        "too slow",
        failures.too_slow,
        unproven(
            "the work alone takes longer than the objective allows",
            "make the work faster, or allow it more time (--slo)",
        ),
    ),
    Rule(
        "loop blocked",
        either(resources.blocked, outside.blocked),
        either(more_loops, outside.unblock),
    ),
    Rule("payload", resources.payload, smaller_payload),
    Rule(
        "disk",
        waits.disk,
        unproven(
            "the speed of the disk cannot be changed",
            "write less, or flush less often (fsync), or use a faster disk",
        ),
    ),
    Rule("GIL hand-over", waits.handed_over, fewer_threads),
    Rule("contention", waits.contention, less_contention),
    Rule("loop busy", either(resources.loop_busy, outside.nothing), more_loops),
    Rule("GIL", either(resources.gil, outside.nothing), more_gils),
    Rule("one core", outside.one_core, outside.more_processes),
    Rule(
        "neighbour",
        resources.neighbour,
        unproven(
            "other processes on this machine cannot be stopped by a test",
            "stop other programs, and measure again",
        ),
    ),
    Rule("cores", resources.cores, fewer_cores),
    Rule("pool", either(resources.pool, outside.pool), either(larger_pool, outside.let_in_more)),
    Rule("queue full", waits.queue_full, longer_queue),
    Rule(
        "refused",
        waits.refused,
        unproven(
            "admission refuses what it expects to be late",
            "let requests wait longer (--target), or by their number alone (--admission bounded)",
        ),
    ),
    UNKNOWN,
)
