"""Planted bottlenecks are named, and proved by the figures that show them."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.demands import Demands
from loadtests.cause.diagnosis import NAMES, Cause, diagnose
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

SENTENCES: Mapping[str, tuple[Evidence, Evidence | None, str, str]] = {
    "primes in threads": (
        evidence_examples.GIL,
        LONE_THREAD,
        "GIL",
        "the GIL was held 97 % of the time while 1.2 of 2 cores were busy",
    ),
    "whose GIL nobody can look at": (
        evidence_examples.UNSEEN_GIL,
        LONE_THREAD,
        "GIL",
        "the server used 1.0 of 2 cores while calls ran for 140 ms to compute for 10.4 ms",
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
        "2.0 of 2 cores were busy, 1.8 with the server",
    ),
    "sleep in a pool of two": (
        evidence_examples.POOL,
        LONE_SLEEP,
        "pool",
        "all 2 slots were busy for 98 % of the time (50.3 ms each) while 1.9 of 2 cores idled",
    ),
    "in half a second": (
        evidence_examples.SHORT,
        LONE_SLEEP,
        "pool",
        "all 2 slots were busy for 80 % of the time (50.3 ms each) while 1.9 of 2 cores idled",
    ),
    "under a tight bound": (
        evidence_examples.BURSTS,
        LONE_SLEEP,
        "pool",
        "late requests spent 89 % of their time waiting for one of 2 slots, which were busy "
        "55 % of the time: bursts are too much for them",
    ),
    "under one that it cannot keep": (
        evidence_examples.SLOW,
        LONE_SLEEP,
        "too slow",
        "the work takes 50.3 ms when nothing contends, beyond the 40.0 ms of the objective",
    ),
    "sleep on the loop": (
        evidence_examples.INLINE_SLEEP,
        None,
        "loop blocked",
        "the work held the event loop 95 % of the time (50.2 ms each), whose timers ran 210 ms "
        "late (p99)",
    ),
    "primes on the loop": (
        evidence_examples.INLINE_PRIMES,
        None,
        "loop blocked",
        "the work held the event loop 96 % of the time (9.9 ms each), whose timers ran 210 ms "
        "late (p99)",
    ),
    "sleep awaited": (
        evidence_examples.ASYNC,
        LONE_ASYNC,
        "loop busy",
        "the event loop used 0.97 of a core, 0.33 ms for each request",
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
        "other processes took 0.9 of 2 cores, and left 0.9 to the server",
    ),
    "a generator that lags": (
        evidence_examples.LAGGING,
        None,
        "generator",
        "the generator sent late, which took 94 % of the time of such requests; it used 0.97 of "
        "a core",
    ),
    "a generator that reads late": (
        evidence_examples.READING_LATE,
        None,
        "generator",
        "the generator used 0.98 of a core, and late requests were 100 % of their time with it "
        "or on their way",
    ),
    "a generator that takes the cores": (
        evidence_examples.HEAVY_GENERATOR,
        None,
        "generator",
        "the generator took 1.2 of 2 cores, more than the server (0.7)",
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
    "nothing that is full": (
        evidence_examples.CALM,
        None,
        "unknown",
        "nothing that was looked at was used up: cores 8 %, the GIL 3 % and the event loop 2 %",
    ),
    "nothing that was seen": (
        evidence_examples.BLIND,
        None,
        "unknown",
        "nothing of the server could be looked at",
    ),
}


def told(evidence: Evidence, alone: Evidence | None) -> Cause:
    return diagnose(evidence, Demands.of(alone, evidence) if alone else None)


@pytest.mark.parametrize("planted_as", SENTENCES)
def test_a_planted_bottleneck_is_named_with_what_proves_it(planted_as: str) -> None:
    evidence, alone, name, sentence = SENTENCES[planted_as]
    cause = told(evidence, alone)
    assert (cause.name, cause.sentence) == (name, sentence)
    assert name == "unknown" or cause.numbers


@pytest.mark.parametrize("planted_as", [name for name, one in SENTENCES.items() if one[1]])
def test_it_is_named_too_where_no_lone_request_was_measured(planted_as: str) -> None:
    evidence, _, name, _ = SENTENCES[planted_as]
    if (
        name != "too slow" and evidence is not evidence_examples.ECHO
    ):  # those two cannot be told without
        assert told(evidence, None).name == name


def test_the_shares_are_those_of_late_requests() -> None:
    shares = told(evidence_examples.GIL, None).shares
    assert shares["off_cpu"] == pytest.approx(152 / 342.4)
    assert told(evidence_examples.FAILING, None).shares == {}


def test_names_fit_a_matrix() -> None:
    assert {one[2] for one in SENTENCES.values()} == set(NAMES)
    assert max(map(len, NAMES)) <= 14


@given(evidence=evidences, alone=st.none() | evidences)
def test_whatever_was_seen_something_is_said(evidence: Evidence, alone: Evidence | None) -> None:
    cause = told(evidence, alone)
    assert cause.name in NAMES
    assert cause.sentence[0].islower() or cause.sentence[0].isdigit()
    assert not cause.sentence.endswith(".")
    assert sum(cause.shares.values()) == pytest.approx(1) or not cause.shares
