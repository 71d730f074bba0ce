"""The search finds the known capacity of queues in virtual time, and keeps to its time."""

from dataclasses import replace
from functools import cache
from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.search import FULL, PATIENCE, QUICK, Capacity, Goal, search, trial_duration
from loadtests.slo import Slo
from loadtests.trial import Verdict
from tests.virtual import Lab, Service

SLO = Slo.parse("p99<250ms")
SERVICES = [
    Service("M/D/1", 1, 0.010),
    Service("M/D/2", 2, 0.010),
    Service("M/D/32", 32, 0.020),
    Service("M/M/2", 2, 0.010, random=True),
    Service("inline", 1, 0.020),
]
named = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@cache
def truth(service: Service) -> float:
    return service.truth(SLO)


@cache
def find(service: Service, goal: Goal, seed: int, disturbed: float = 0.0) -> tuple[Capacity, float]:
    """Search from a saturation that is up to 20 % wrong; return the seconds it took as well."""
    lab = Lab(service, SLO, Random(seed), disturbed=disturbed)
    return lab.search(goal, service.ceiling * lab.rng.uniform(0.8, 1.2)), lab.clock_s


@named
def test_quick_finds_the_capacity(service: Service) -> None:
    found = [find(service, QUICK, seed)[0] for seed in range(9)]
    shares = [capacity.held / truth(service) for capacity in found]
    assert 0.88 <= median(shares) <= 1.12
    # Trials of a few hundred requests are kind to a server that is lucky: hence the wide edge.
    assert min(shares) >= 0.85
    assert max(shares) <= 1.25
    assert all(capacity.held <= 1.15 * service.ceiling for capacity in found)
    complete = [capacity for capacity in found if capacity.complete]
    assert len(complete) >= 6  # the rest ran out of time, and say so
    for capacity in complete:
        assert capacity.broke is not None
        assert capacity.broke / capacity.held <= 1.16


@named
def test_full_finds_it_better(service: Service) -> None:
    found = [find(service, FULL, seed)[0] for seed in range(9 if service.ceiling < 1000 else 4)]
    shares = [capacity.held / truth(service) for capacity in found]
    assert 0.94 <= median(shares) <= 1.06
    assert min(shares) >= 0.9
    assert max(shares) <= 1.15
    assert all(capacity.held <= 1.03 * service.ceiling for capacity in found)
    # At 40/s a trial of 1,049 requests lasts 26 s, and the budget may end a search.
    complete = [capacity for capacity in found if capacity.complete]
    assert len(complete) >= len(found) - 1
    for capacity in complete:
        assert capacity.broke is not None
        assert capacity.broke / capacity.held <= 1.06


def test_full_bears_disturbed_trials() -> None:
    service = SERVICES[1]
    found = [find(service, FULL, seed, disturbed=0.2)[0] for seed in range(15)]
    shares = [capacity.held / truth(service) for capacity in found]
    assert 0.94 <= median(shares) <= 1.06
    assert sum(share >= 0.9 for share in shares) >= 13


def test_quick_is_quick() -> None:
    spent = [find(service, QUICK, seed)[1] for service in SERVICES for seed in range(9)]
    assert fmean(spent) <= 16.5
    assert max(spent) <= 45


@pytest.mark.parametrize("guess", [0.1, 0.4, 3, 10])
def test_recovers_from_a_bad_guess(guess: float) -> None:
    service = SERVICES[1]
    lab = Lab(service, SLO, Random(1))
    capacity = lab.search(QUICK, guess * service.ceiling)
    assert capacity.broke is not None
    assert capacity.held <= 1.12 * truth(service)
    assert capacity.broke >= 0.88 * truth(service)
    if capacity.complete:
        assert capacity.held >= 0.85 * truth(service)


def test_starts_below_the_guess() -> None:
    lab = Lab(SERVICES[0], SLO, Random(1))
    lab.search(QUICK, 100)
    assert lab.log[0][0] < 100


def test_finds_the_capacity_of_a_service_that_refuses() -> None:
    service = Service("bounded", 2, 0.010, queue=8)
    lab = Lab(service, SLO, Random(5))
    capacity = lab.search(QUICK, service.ceiling)
    assert 0.85 <= capacity.held / truth(service) <= 1.15
    assert capacity.held < truth(SERVICES[1])


def test_a_service_that_is_always_late_bears_nothing() -> None:
    lab = Lab(Service("slow", 8, 0.4), SLO, Random(1))
    assert lab.search(QUICK, 20) == Capacity(held=0.0, broke=1.0)


@pytest.mark.parametrize("goal", [QUICK, FULL], ids=["quick", "full"])
@pytest.mark.parametrize("guess", [20, 1000])
def test_the_generator_may_be_the_limit(goal: Goal, guess: float) -> None:
    lab = Lab(SERVICES[2], SLO, Random(1))
    assert lab.search(goal, guess, ceiling_rate=300) == Capacity(held=300, broke=None)
    assert max(rate for rate, _, _ in lab.log) == 300
    assert trial_duration(300, SLO, goal.requests) <= max(duration for _, duration, _ in lab.log)


def test_stops_when_the_time_is_up() -> None:
    tried: list[float] = []

    def measure(rate: float, _: float) -> Verdict:
        tried.append(rate)
        return Verdict(True, len(tried) != 2, (), None, 0.0)  # held, broke, held

    goal = replace(QUICK, budget_s=18)
    capacity = search(measure, 100, goal, 1e6, slo=SLO, clock=lambda: 6.0 * len(tried))
    assert tried == pytest.approx([92, 115, (92 * 115) ** 0.5])
    assert capacity == Capacity(held=tried[2], broke=tried[1], complete=False)


def test_goes_on_past_its_time_until_an_interval_is_known() -> None:
    tried: list[float] = []

    def measure(rate: float, _: float) -> Verdict:
        tried.append(rate)
        return Verdict(True, rate < 1000, (), None, 0.0)

    search(measure, 10, QUICK, 1e6, slo=SLO, clock=lambda: 6.0 * len(tried))
    assert max(tried) >= 1000
    assert 6 * (len(tried) - 1) > QUICK.budget_s


def test_what_the_trials_raise_passes_through() -> None:
    class ServerGoneError(Exception):
        pass

    lab = Lab(SERVICES[1], SLO, Random(2))

    def measure(rate: float, duration_s: float) -> Verdict:
        if duration_s >= 5:
            raise ServerGoneError
        return lab.measure(rate, duration_s)

    with pytest.raises(ServerGoneError):
        search(measure, 200, QUICK, 1e6, slo=SLO, clock=lab.now)


@settings(deadline=None)
@given(
    answers=st.lists(st.booleans(), min_size=1, max_size=60),
    goal=st.sampled_from([QUICK, FULL]),
    guess=st.floats(0, 1e5),
    ceiling_rate=st.floats(2, 1e5),
)
def test_always_ends_with_an_interval(
    answers: list[bool], goal: Goal, guess: float, ceiling_rate: float
) -> None:
    tried = []

    def measure(rate: float, duration_s: float) -> Verdict:
        tried.append(rate)
        assert duration_s > 0
        assert 1 <= rate <= ceiling_rate
        return Verdict(True, answers[len(tried) % len(answers)], (), None, 0.0)

    capacity = search(measure, guess, goal, ceiling_rate, slo=SLO, clock=lambda: 6.0 * len(tried))
    assert capacity.held == 0 or capacity.held in tried
    assert capacity.broke is None or capacity.held < capacity.broke
    assert capacity.broke is None or capacity.broke in tried
    assert 6 * (len(tried) - 2) < (1 + PATIENCE) * goal.budget_s  # a surprise takes two


def test_a_final_trial_is_long_enough() -> None:
    assert trial_duration(1000, SLO, 299) == 5
    assert trial_duration(40, SLO, 299) == pytest.approx(7.475)
    assert trial_duration(1000, Slo(99, 2.0), 299) == 40


def test_refuses_a_generator_that_offers_nothing() -> None:
    lab = Lab(SERVICES[0], SLO, Random(1))
    with pytest.raises(ValueError, match="generator"):
        lab.search(QUICK, 100, ceiling_rate=0.5)
