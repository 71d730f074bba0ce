"""Pace and policies, in virtual time: with known service times, they admit what they should."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from server.admission.bulkhead import Departures
from server.admission.policies import Adaptive, Bounded, Deadline, Policy, Unbounded, load
from server.tables import POLICIES

WORKERS, WORK_S, TARGET_S = 2, 0.010, 0.15
CAPACITY = WORKERS / WORK_S


def play(policy: Policy, rate: float, seconds: float, seed: int = 1) -> tuple[list[float], int]:
    """Offer Poisson arrivals to two workers of 10 ms; returns response times and refusals."""
    rng, now, refused = Random(seed), 0.0, 0
    pace, ends, took = Departures(), deque[tuple[float, float]](), list[float]()
    free = [0.0] * WORKERS
    while now < seconds:
        now += rng.expovariate(rate)
        while ends and ends[0][0] <= now:
            end, came = ends.popleft()
            policy.learn(end, end - came, len(ends) + 1)
            pace.departed(end, full=len(ends) >= WORKERS)
            took.append(end - came)
        if len(ends) >= policy.limit(len(ends), pace.seconds):
            refused += 1
            continue
        begin = max(now, free[0])
        free = sorted([*free[1:], begin + WORK_S])
        ends.append((begin + WORK_S, now))
    return took, refused


def test_the_pace_is_that_of_busy_workers_only() -> None:
    pace, now = Departures(), 0.0
    assert pace.seconds is None
    for _ in range(20):
        for _ in range(5):
            now += 0.01
            pace.departed(now, full=True)
        pace.departed(now + 0.01, full=False)
        now += 60.0  # no arrivals
    assert pace.seconds == pytest.approx(0.01)


def test_the_pace_follows_when_work_grows() -> None:
    pace = Departures()
    for departure in range(100):
        pace.departed(departure * 0.01, full=True)
    for departure in range(300):
        pace.departed(1.0 + departure * 0.1, full=True)
    assert pace.seconds == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("name", ["deadline", "adaptive"])
def test_under_overload_answers_stay_within_the_target(name: str) -> None:
    took, refused = play(load(name)(WORKERS, 256, TARGET_S), 2 * CAPACITY, 60)
    late = sum(seconds > 1.1 * TARGET_S for seconds in took[100:])
    assert late < 0.05 * len(took)
    assert len(took) > 0.95 * CAPACITY * 60  # no worker is idle
    assert refused == pytest.approx(CAPACITY * 60, rel=0.1)


def test_a_burst_is_admitted_and_a_standing_queue_is_not() -> None:
    policy, pace_s = Deadline(2, 256, TARGET_S), 0.005
    standing = TARGET_S / pace_s
    assert policy.limit(5, pace_s) == pytest.approx(1.5 * standing)
    for _ in range(20):
        burst = policy.limit(40, pace_s)
    assert burst == pytest.approx(1.5 * standing)
    for _ in range(200):
        stands = policy.limit(30, pace_s)
    assert stands == pytest.approx(standing)
    for _ in range(200):
        worked_off = policy.limit(10, pace_s)
    assert worked_off == pytest.approx(1.5 * standing)


def test_a_queue_that_is_too_long_keeps_the_throughput_and_makes_every_answer_late() -> None:
    took, _ = play(Bounded(WORKERS, 256, TARGET_S), 2 * CAPACITY, 60)
    assert len(took) > 0.95 * CAPACITY * 60
    assert sum(seconds > TARGET_S for seconds in took[300:]) > 0.99 * len(took[300:])


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "lifo"])
def test_at_half_the_capacity_no_call_is_refused(name: str) -> None:
    took, refused = play(load(name)(WORKERS, 256, TARGET_S), CAPACITY / 2, 60)
    assert refused == 0
    assert max(took) < TARGET_S


def test_the_unbounded_policy_refuses_no_call() -> None:
    took, refused = play(Unbounded(WORKERS, 256, TARGET_S), 2 * CAPACITY, 60)
    assert refused == 0
    assert max(took) > 25


@pytest.mark.parametrize("policy", [Deadline(4, 8, 0.1), Adaptive(4, 8, 0.1)])
def test_no_policy_leaves_a_worker_idle_however_long_the_work(policy: Policy) -> None:
    for _ in range(1000):
        policy.learn(0.0, 60.0, 4)
    assert policy.limit(4, 60.0) >= 4


def test_the_learned_limit_shrinks_once_a_round_trip_and_grows_only_under_load() -> None:
    policy = Adaptive(2, 100, TARGET_S)
    before = policy.limit(0, None)
    policy.learn(10.0, 0.1, 1)  # less than half of it was used
    assert policy.limit(0, None) == before
    for _ in range(50):
        policy.learn(10.0, 0.1, 20)
    grown = policy.limit(0, None)
    assert grown > before + 3
    for now in (11.0, 11.1, 11.2, 11.29):
        policy.learn(now, 0.3, 20)
    assert policy.limit(0, None) == pytest.approx(0.9 * grown)


def test_the_pace_is_learned_again_when_slow_work_is_followed_by_fast_work() -> None:
    policy, now = Deadline(WORKERS, 256, TARGET_S), 0.0
    pace, under_way = Departures(), 0
    for work_s in [0.5] * 40 + [0.005] * 2000:  # always as many as the policy admits
        while under_way < policy.limit(under_way, pace.seconds):
            under_way += 1
        now += work_s / WORKERS
        under_way -= 1
        pace.departed(now, full=under_way >= WORKERS)
    assert pace.seconds == pytest.approx(0.0025, rel=0.05)
