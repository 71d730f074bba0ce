"""Known bottlenecks are named, with the figures that prove them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.demands import Demands
from loadtests.cause.rules import RULES, Cause, diagnose, runner_up
from loadtests.trial.evidence import Evidence
from tests.loadtests.cause.test_outside import SENTENCES as OUTSIDE
from tests.support import evidence_examples
from tests.support import hidden_examples as hidden
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
        "all 2 slots were busy 55 % of the time (50.3 ms per call) while 1.9 of 2 cores were idle",
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
    "a pool of connections in coroutines": (
        evidence_examples.AWAITED_POOL,
        LONE_ASYNC,
        "contention",
        "the work lets about 5 requests through at a time (a connection pool or a downstream that "
        "admits 5): calls waited 610 ms in the work, and 50.1 ms alone while the cores (12 %), "
        "the GIL (10 %), the event loop (9 %) and the pool (0 %) were free",
    ),
    "a tiny queue": (
        evidence_examples.TINY_QUEUE,
        LONE_PROCESS,
        "queue full",
        "14 requests found the queue full while slots were busy only 37 % of the time",
    ),
    "8 MiB to a process": (
        evidence_examples.ECHO,
        LONE_ECHO,
        "payload",
        "the way to a worker and back takes 30.0 ms, the work itself 0.6 ms",
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
        "it is not known where the time of requests went while the cores (8 %), the GIL (3 %) and "
        "the event loop (2 %) were free",
    ),
    "nothing observed": (
        evidence_examples.BLIND,
        None,
        "unknown",
        "it is not known where the time of requests went, and no resource of the service could be "
        "observed",
    ),
    "a lock": (
        hidden.LOCK,
        hidden.LONE_LOCK,
        "contention",
        "the work lets about 1 request through at a time (a lock): calls waited 138 ms in the "
        "work, and 10.1 ms alone while the GIL (9 %), the cores (8 %), the event loop (7 %) and "
        "the pool (6 %) were free",
    ),
    "two connections": (
        hidden.CONNECTIONS,
        hidden.LONE_QUERY,
        "contention",
        "the work lets about 2 requests through at a time (a connection pool or a downstream that "
        "admits 2): calls waited 132 ms in the work, and 20.1 ms alone while the pool (12 %), the "
        "GIL (9 %), the cores (8 %) and the event loop (7 %) were free",
    ),
    "a log that is synced": (
        hidden.SYNCED,
        hidden.LONE_SYNC,
        "disk",
        "the disk was waited for 62 % of the time, and calls spent 61.0 ms of 61.2 ms waiting in "
        "the work",
    ),
    "rows of SQLite in threads": (
        hidden.ROWS,
        hidden.LONE_ROWS,
        "GIL hand-over",
        "threads hand the GIL to one another too often: a call that takes 9.2 ms alone took 104 "
        "ms, of which it waited 96.0 ms, while the GIL was held 36 % of the time",
    ),
    "a coroutine that blocks": (
        hidden.BLOCKING,
        hidden.LONE_BLOCKING,
        "loop blocked",
        "a coroutine blocked the event loop: its timers fired 250 ms late (p99) while its thread "
        "used 0.03 of a core",
    ),
    "pauses of the garbage collector": (
        hidden.PAUSED,
        hidden.LONE_PAUSED,
        "GIL",
        "the GIL was held in pauses: the event loop waited 100 ms for it at p99, 0.3 ms at p50",
    ),
    "slots that end before the cores": (
        hidden.HALVES,
        hidden.LONE_HALVES,
        "pool",
        "all 2 slots were busy 94 % of the time (10.7 ms per call) while 0.7 of 2 cores were idle",
    ),
    "two calls of a hundred that are slow": (
        hidden.TAIL,
        hidden.LONE_TAIL,
        "too slow",
        "the work itself ran for more than 250 ms in 2.0 % of the calls, and the objective allows "
        "1 % (half of them took 5.1 ms at most)",
    ),
    "calls that hang": (
        hidden.HANGING,
        hidden.LONE_HANGING,
        "pool",
        "12 of 16 slots were taken by calls that did not end, so that 94 % of all were busy",
    ),
    "threads that the work starts itself": (
        hidden.OWN_THREADS,
        hidden.LONE_THREADS,
        "cores",
        "2.0 of 2 cores were busy, 1.9 of them with the server",
    ),
    "a large result": (
        hidden.RESULT,
        hidden.LONE_RESULT,
        "payload",
        "the way to a worker and back takes 5.8 ms, reading and writing the data 9.2 ms, the work "
        "itself 2.3 ms",
    ),
    "a GIL that is half free, under a tight bound": (
        hidden.TIGHT_GIL,
        LONE_THREAD,
        "GIL",
        "the GIL was held 41 % of the time while 0.5 of 2 cores were busy",
    ),
    "admission that refuses early": (
        hidden.REFUSED,
        hidden.LONE_LOCK,
        "refused",
        "the service refused 14 requests, not expecting to answer within 150 ms, while slots were "
        "busy only 5 % of the time",
    ),
    "a container's quota": (
        hidden.QUOTA,
        LONE_PROCESS,
        "CPU quota",
        "a CPU quota stopped our processes 30 % of the time",
    ),
    "the processes of a model with two pools": (
        hidden.SCRAPED,
        hidden.LONE_SCRAPE,
        "pool",
        "all 2 slots of the process-pool were busy 87 % of the time (12.9 ms per call) while 2.8 "
        "of 4 cores were idle",
    ),
    "a wait that nothing explains": (
        hidden.WAITING,
        hidden.LONE_ROWS,
        "unknown",
        "late requests spent 83 % of their time waiting in the work while the cores (10 %), the "
        "event loop (6 %), the GIL (5 %) and the pool (1 %) were free",
    ),
}
# Without a lone request, a wait for a resource and one in the work look the same.
COMPARED = {"too slow", "payload", "contention", "GIL hand-over"}


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
    if name not in COMPARED and evidence is not hidden.HALVES:
        assert cause_of(evidence, None).name == name


def test_the_shares_are_those_of_late_requests() -> None:
    shares = cause_of(evidence_examples.GIL, None).shares
    assert shares["off_cpu"] == pytest.approx(152 / 342.4)
    assert cause_of(evidence_examples.FAILING, None).shares == {}


def test_the_runner_up_comes_close() -> None:
    cause = cause_of(evidence_examples.CORES, LONE_PROCESS)
    assert (cause.name, set(cause.quotients)) == ("cores", {"cores", "pool"})
    assert runner_up(cause.name, cause.quotients) == "pool"
    assert runner_up("GIL", {"GIL": 1.0, "cores": 0.89}) is None
    assert runner_up("contention", {}) is None


def test_a_gil_that_is_handed_over_may_seem_to_be_held() -> None:
    assert cause_of(replace(hidden.ROWS, gil=0.8), hidden.LONE_ROWS).name == "GIL hand-over"
    slower = replace(hidden.ROWS, gil=0.8, completed=70)  # as much as one thread alone does
    assert cause_of(slower, hidden.LONE_ROWS).name != "GIL hand-over"


def test_names_fit_a_matrix() -> None:
    assert {name for _, _, name, _ in (*SENTENCES.values(), *OUTSIDE.values())} == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    assert max(map(len, NAMES)) <= 14


@given(evidence=evidences, alone=st.none() | evidences)
def test_any_evidence_has_a_cause(evidence: Evidence, alone: Evidence | None) -> None:
    cause = cause_of(evidence, alone)
    assert cause.name in NAMES
    assert cause.sentence[0].islower() or cause.sentence[0].isdigit()
    assert not cause.sentence.endswith(".")
    assert sum(cause.shares.values()) == pytest.approx(1) or not cause.shares
