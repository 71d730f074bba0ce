"""Known bottlenecks are named, with the figures that prove them."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.demands import Demands
from loadtests.cause.rules import RULES, Cause, diagnose
from loadtests.trial.evidence import Evidence
from tests.support import evidence_examples
from tests.support.any_evidence import evidences
from tests.support.evidence_examples import (
    LONE_ASYNC,
    LONE_ECHO,
    LONE_PROCESS,
    LONE_SLEEP,
    LONE_THREAD,
)

NAMES = [rule.name for rule in RULES]
SENTENCES: Mapping[str, tuple[Evidence, Evidence | None, str, str]] = {
    "primes in threads": (
        evidence_examples.GIL,
        LONE_THREAD,
        "GIL",
        "the GIL was held 97 % of the time while 1.2 of 2 cores were busy",
    ),
    "whose GIL cannot be observed": (
        evidence_examples.UNSEEN_GIL,
        LONE_THREAD,
        "GIL",
        "the server used 1.0 of 2 cores while calls took 140 ms to compute for 10.4 ms",
    ),
    "beside a bystander that starves": (
        evidence_examples.CONVOY,
        LONE_THREAD,
        "GIL",
        "the GIL was held 66 % of the time, and the event loop waited 41.0 ms for it (p99)",
    ),
    "primes in processes": (
        evidence_examples.CORES,
        LONE_PROCESS,
        "cores",
        "2.0 of 2 cores were busy, 1.8 of them with the server",
    ),
    "sleep in a pool of two": (
        evidence_examples.POOL,
        LONE_SLEEP,
        "pool",
        "all 2 slots were busy 98 % of the time (50.3 ms per call) while 1.9 of 2 cores were idle",
    ),
    "in half a second": (
        evidence_examples.SHORT,
        LONE_SLEEP,
        "pool",
        "all 2 slots were busy 80 % of the time (50.3 ms per call) while 1.9 of 2 cores were idle",
    ),
    "under a tight bound": (
        evidence_examples.BURSTS,
        LONE_SLEEP,
        "pool",
        "late requests spent 89 % of their time waiting for one of 2 slots, which, busy 55 % of "
        "the time, cannot absorb bursts",
    ),
    "under a bound that it cannot keep": (
        evidence_examples.SLOW,
        LONE_SLEEP,
        "too slow",
        "the work takes 50.3 ms without contention, longer than the 40.0 ms of the objective",
    ),
    "sleep on the loop": (
        evidence_examples.INLINE_SLEEP,
        None,
        "loop blocked",
        "the work held the event loop 95 % of the time (50.2 ms per call); its timers fired 210 ms "
        "late (p99)",
    ),
    "primes on the loop": (
        evidence_examples.INLINE_PRIMES,
        None,
        "loop blocked",
        "the work held the event loop 96 % of the time (9.9 ms per call); its timers fired 210 ms "
        "late (p99)",
    ),
    "sleep awaited": (
        evidence_examples.ASYNC,
        LONE_ASYNC,
        "loop busy",
        "the event loop used 0.97 of a core, 0.33 ms per request",
    ),
    "a tiny queue": (
        evidence_examples.TINY_QUEUE,
        LONE_PROCESS,
        "queue",
        "14 requests found the queue full while slots were busy only 39 % of the time",
    ),
    "8 MiB to a process": (
        evidence_examples.ECHO,
        LONE_ECHO,
        "payload",
        "the way to a worker and back took 68.0 ms, the work itself 0.8 ms",
    ),
    "work that wants too much memory": (
        evidence_examples.HUNGRY,
        None,
        "memory",
        "60 requests failed with MemoryError",
    ),
    "a machine that swaps": (
        evidence_examples.SWAPPING,
        None,
        "memory",
        "processes waited for memory 34 % of the time, and 2 workers died",
    ),
    "workers that are killed": (
        evidence_examples.KILLED,
        None,
        "crashes",
        "9 workers died within 5.0 s and 40 requests failed",
    ),
    "a neighbour": (
        evidence_examples.NEIGHBOUR,
        LONE_PROCESS,
        "neighbour",
        "other processes used 0.9 of 2 cores, leaving 0.9 for the server",
    ),
    "a generator that lags": (
        evidence_examples.LAGGING,
        None,
        "generator",
        "late requests spent 94 % of their time until the generator sent them (it used 0.97 of a "
        "core)",
    ),
    "a generator that reads late": (
        evidence_examples.READING_LATE,
        None,
        "generator",
        "the generator used 0.98 of a core, and late requests spent 100 % of their time there or "
        "in transit",
    ),
    "a generator that takes the cores": (
        evidence_examples.HEAVY_GENERATOR,
        None,
        "generator",
        "the generator used 1.2 of 2 cores, more than the server (0.7)",
    ),
    "work that fails": (
        evidence_examples.FAILING,
        None,
        "failures",
        "210 of 210 requests failed (HTTP 500)",
    ),
    "work that is wrong": (
        evidence_examples.WRONG,
        None,
        "failures",
        "200 of 210 requests had a wrong answer",
    ),
    "nothing full": (
        evidence_examples.CALM,
        None,
        "unknown",
        "no resource that was observed was used up: cores 8 %, the GIL 3 % and the event loop 2 %",
    ),
    "nothing observed": (
        evidence_examples.BLIND,
        None,
        "unknown",
        "no resource of the server could be observed",
    ),
}


def cause_of(evidence: Evidence, alone: Evidence | None) -> Cause:
    return diagnose(evidence, Demands.of(alone, evidence) if alone else None)


@pytest.mark.parametrize("example", SENTENCES)
def test_a_known_bottleneck_is_named_with_its_proof(example: str) -> None:
    evidence, alone, name, sentence = SENTENCES[example]
    cause = cause_of(evidence, alone)
    assert (cause.name, cause.sentence) == (name, sentence)
    assert name == "unknown" or cause.numbers


@pytest.mark.parametrize("example", [name for name, known in SENTENCES.items() if known[1]])
def test_it_is_named_even_if_no_lone_request_was_measured(example: str) -> None:
    evidence, _, name, _ = SENTENCES[example]
    if name != "too slow" and evidence is not evidence_examples.ECHO:  # both need it
        assert cause_of(evidence, None).name == name


def test_the_shares_are_those_of_late_requests() -> None:
    shares = cause_of(evidence_examples.GIL, None).shares
    assert shares["off_cpu"] == pytest.approx(152 / 342.4)
    assert cause_of(evidence_examples.FAILING, None).shares == {}


def test_names_fit_a_matrix() -> None:
    assert {name for _, _, name, _ in SENTENCES.values()} == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    assert max(map(len, NAMES)) <= 14


@given(evidence=evidences, alone=st.none() | evidences)
def test_any_evidence_has_a_cause(evidence: Evidence, alone: Evidence | None) -> None:
    cause = cause_of(evidence, alone)
    assert cause.name in NAMES
    assert cause.sentence[0].islower() or cause.sentence[0].isdigit()
    assert not cause.sentence.endswith(".")
    assert sum(cause.shares.values()) == pytest.approx(1) or not cause.shares
