"""Demands come from the right load, the lowest limit binds, and predictions are scored fairly."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.calibration import Calibration
from loadtests.capacity.demands import Cost, Demands, Limit, Supply, limits
from loadtests.capacity.prediction import efficiency, predict, score
from loadtests.slo import Slo
from loadtests.trial.evidence import Evidence
from tests.support import evidence_examples
from tests.support.any_evidence import evidences
from tests.support.evidence_examples import (
    LONE_ASYNC,
    LONE_PROCESS,
    LONE_SLEEP,
    LONE_THREAD,
    MS,
    lone,
    stages,
)

SLO = Slo.parse("p99<250ms")
TIGHT = Slo.parse("p99<30ms")


def of(alone: Evidence | None, crowd: Evidence) -> tuple[Limit, ...]:
    return limits(Demands.of(alone, crowd), Supply.of(crowd))


def test_cpu_comes_from_the_crowd_and_waits_from_the_lone_request() -> None:
    demands = Demands.of(LONE_THREAD, evidence_examples.GIL)
    assert demands.cpu_s == pytest.approx(1.02 / 93)
    assert demands.gil_s == pytest.approx(0.97 / 93)
    assert demands.loop_s == pytest.approx(0.09 / 93)
    assert demands.generator_s == pytest.approx(0.11 / 93)
    assert demands.wait_s == pytest.approx(0.1 * MS)
    assert demands.hop_s == pytest.approx(0.13 * MS)
    assert demands.slot_s == pytest.approx((0.06 + 10.4 + 0.1) * MS)


def test_work_on_the_loop_holds_it_while_it_waits() -> None:
    alone = lone(19.5, on_loop=True, outside=0.2, on_cpu=0.03, off_cpu=50.1)
    demands = Demands.of(alone, evidence_examples.INLINE_SLEEP)
    assert demands.loop_s == pytest.approx(50.1 * MS + 0.02 / 19)
    unseen = replace(evidence_examples.INLINE_SLEEP, loop_cores=None)
    assert Demands.of(alone, unseen).loop_s == pytest.approx(50.13 * MS)
    awaited = Demands.of(LONE_ASYNC, evidence_examples.ASYNC).loop_s
    assert awaited == pytest.approx(0.97 / 2900)


@pytest.mark.parametrize(
    ("alone", "crowd", "binding", "rate"),
    [
        (LONE_THREAD, evidence_examples.GIL, "gil", 95.9),
        (LONE_PROCESS, evidence_examples.CORES, "cores", 180.5),
        (LONE_SLEEP, evidence_examples.POOL, "slots", 39.7),
        (None, evidence_examples.INLINE_PRIMES, "loop", 98.0),
        (LONE_ASYNC, evidence_examples.ASYNC, "loop", 2990),
    ],
)
def test_the_resource_that_runs_out_first_binds(
    alone: Evidence | None, crowd: Evidence, binding: str, rate: float
) -> None:
    known = of(alone, crowd)
    assert known[0].name == binding
    assert known[0].rate == pytest.approx(rate, rel=0.01)
    assert [limit.rate for limit in known] == sorted(limit.rate for limit in known)


def test_what_is_unknown_is_left_out() -> None:
    assert of(None, evidence_examples.BLIND) == ()
    assert predict(Demands(), Supply(2), [0.01], SLO) is None
    assert [limit.name for limit in of(LONE_SLEEP, replace(evidence_examples.BLIND, slots=4))] == [
        "slots"
    ]
    assert Demands.of(LONE_SLEEP, evidence_examples.FAILING).slot_s == pytest.approx(50.19 * MS)
    assert of(None, replace(evidence_examples.ASYNC, gil=0.0, loop_cores=0.0))[0].name == "cores"
    assert limits(Demands(gil_s=5e-324), Supply(2)) == (), "a demand too small to matter"


def test_more_of_a_resource_raises_its_limit() -> None:
    demands = Demands.of(LONE_THREAD, evidence_examples.GIL)
    twice = limits(demands, replace(Supply.of(evidence_examples.GIL), servers=2))
    assert twice[0].name == "cores"
    assert twice[0].rate == pytest.approx(2 / (1.13 / 93))


@pytest.mark.parametrize(
    ("resource", "on_loop", "fixed_s"),
    [
        ("slots", False, 40 * MS),
        ("loop", True, 40 * MS),  # which the work blocks while it waits
        ("loop", False, 0.0),
        ("gil", False, 0.0),
        ("cores", True, 0.0),
    ],
)
def test_waiting_is_a_cost_of_what_is_held_meanwhile(
    resource: str, on_loop: bool, fixed_s: float
) -> None:
    cost = Cost.of(Demands(cpu_s=8 * MS, wait_s=40 * MS), resource, 50 * MS, on_loop=on_loop)
    assert (cost.fixed_s, cost.whole_s) == (fixed_s, 8 * MS)
    assert cost.cpu_share == pytest.approx(1 - fixed_s / (50 * MS))
    assert cost.at(8 * MS) == cost.at(None) == pytest.approx(50 * MS)
    assert cost.at(12 * MS) == pytest.approx(fixed_s + 1.5 * (50 * MS - fixed_s))
    assert cost.times(2).at(12 * MS) == pytest.approx(2 * cost.at(12 * MS))


def test_a_cost_without_a_known_cpu_time_does_not_follow_the_machine() -> None:
    cost = Cost.of(Demands(), "slots", 50 * MS, on_loop=False)
    assert (cost.fixed_s, cost.cpu_share) == (0.0, 0.0)
    assert cost.at(12 * MS) == 50 * MS
    assert Cost.of(Demands(wait_s=1.0), "slots", 50 * MS, on_loop=False).fixed_s == 50 * MS
    assert Cost(0.0, 0.0, 1.0).cpu_share == 0


@pytest.mark.parametrize(
    ("clients", "alone_ms", "answered", "slower"),
    [
        (64, 10, 100, 1.0),  # all that the ceiling promises
        (64, 10, 76, 1.0),  # nearly
        (64, 10, 25, 4.0),
        (8, 160, 49, 1.0),  # so few clients get no more
        (8, 160, 25, 2.0),
        (64, 0, 50, 2.0),  # no answer to a lone client was read
        (64, 10, 0, 1.0),  # a crowd without answers shows nothing
    ],
)
def test_a_crowd_shows_that_a_request_takes_longer_than_its_ceiling_promises(
    clients: int, alone_ms: float, answered: float, slower: float
) -> None:
    alone = replace(LONE_SLEEP, typical=stages(outside=alone_ms) if alone_ms else None)
    crowd = replace(evidence_examples.GIL, completed=answered)
    assert Calibration(alone, crowd, (), clients).slower(100) == pytest.approx(slower)


def test_a_pool_has_the_capacity_of_its_queue() -> None:
    demands = Demands(slot_s=10 * MS, response_s=10.5 * MS)
    predicted = predict(demands, Supply(4, slots=2), [9 * MS, 9 * MS], TIGHT)
    assert predicted is not None
    assert predicted.binding == "slots"
    assert (predicted.queue.servers, predicted.queue.shape) == (2, (1.0, 1.0))
    assert predicted.queue.bound_s == pytest.approx(TIGHT.bound_s - 0.5 * MS)
    assert not predicted.queue.refuses
    assert predicted.ceiling == pytest.approx(200)
    assert predicted.service_s == pytest.approx(10 * MS)
    assert predicted.capacity == pytest.approx(0.57 * 200, rel=0.03)  # M/D/2, p99 ≤ 3 services
    refusing = predict(demands, Supply(4, slots=2), [9 * MS, 9 * MS], TIGHT, refuses=True)
    assert refusing is not None
    assert refusing.queue.refuses
    assert predicted.capacity < refusing.capacity < predicted.ceiling


def test_the_binding_resource_decides_how_many_are_served_at_once() -> None:
    supply = Supply(cores=2, slots=16, servers=3, loops=1)
    at_once = {name: supply.at_once(name) for name in ("cores", "gil", "loop", "slots")}
    assert at_once == {"cores": 2, "gil": 3, "loop": 1, "slots": 16}
    assert Supply(cores=8, slots=2).at_once("cores") == 2


def test_a_wait_beyond_the_service_comes_off_the_bound() -> None:
    demands = Demands(loop_s=1 * MS, response_s=29 * MS)
    predicted = predict(demands, Supply(2), [28 * MS], TIGHT)
    patient = predict(replace(demands, response_s=2 * MS), Supply(2), [28 * MS], TIGHT)
    assert predicted is not None
    assert patient is not None
    assert 0 < predicted.capacity < 0.5 * patient.capacity
    hopeless = predict(replace(demands, response_s=40 * MS), Supply(2), [], TIGHT)
    assert hopeless is not None
    assert hopeless.capacity == 0


def test_the_score_is_measured_by_predicted() -> None:
    assert score(200, 100) == 0.5
    assert score(3000, 2000, unbounded=True) is None  # the predicted rate was not offered
    assert score(1000, 2000, unbounded=True) == 2  # or more
    assert score(0, 0.5) == 1, "nothing distinguishes rates below 1/s"
    assert score(100, 0) == 0.01
    assert score(0, 100) == 100


def test_efficiency_is_measured_by_possible() -> None:
    assert efficiency(50, 100) == 0.5
    assert efficiency(0, 100) == 0
    assert efficiency(50, 0) is None


@given(alone=st.none() | evidences, crowd=evidences)
def test_from_any_evidence_limits_are_rates(alone: Evidence | None, crowd: Evidence) -> None:
    assert all(limit.rate > 0 for limit in of(alone, crowd))
