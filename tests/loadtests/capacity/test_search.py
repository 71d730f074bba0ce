"""The search finds the known capacity of queues in virtual time, and keeps to its budget."""

from dataclasses import replace
from functools import cache
from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.goals import FULL, QUICK, Goal, trial_duration
from loadtests.capacity.search import search
from loadtests.trial.verdict import Verdict
from scripts.checks.shared.virtual import SLO, TRUTHS, Lab, Service, truth, verdict

SERVICES = list(TRUTHS)[:5]
named = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
BESIDE = (SLO.at(95), SLO.at(99.9))


@cache
def find(service: Service, goal: Goal, seed: int, disturbed: float = 0.0) -> tuple[Capacity, float]:
    """Search from a prediction that is up to 20 % wrong; return the seconds it took as well."""
    also = BESIDE if goal is FULL else ()
    lab = Lab(service, SLO, Random(seed), disturbed=disturbed, sentinel=0.8, also=also)
    return lab.search(goal, truth(service) * lab.rng.uniform(0.8, 1.2)), lab.clock_s


@named
def test_quick_finds_the_capacity(service: Service) -> None:
    capacities = [
        find(service, QUICK, seed)[0] for seed in range(5 if service.ceiling < 1000 else 2)
    ]
    shares = [capacity.held / truth(service) for capacity in capacities]
    # A server may be lucky in trials of a few hundred requests: hence the wide limits, which
    # `loadtests.capacity.interval` takes into account.
    assert 0.85 <= min(shares) <= max(shares) <= 1.25
    assert 0.88 <= median(shares) <= 1.15
    assert all(capacity.held <= 1.15 * service.ceiling for capacity in capacities)
    complete = [capacity for capacity in capacities if capacity.complete]
    assert len(complete) * 2 > len(capacities)  # the rest ran out of time, and say so
    for capacity in complete:
        assert capacity.broke is not None
        assert capacity.broke / capacity.held <= 1.16


@named
def test_full_finds_it_better_and_further_percentiles_too(service: Service) -> None:
    capacities = [
        find(service, FULL, seed)[0] for seed in range(5 if service.ceiling < 1000 else 1)
    ]
    shares = [capacity.held / truth(service) for capacity in capacities]
    assert 0.9 <= min(shares) <= max(shares) <= 1.12
    assert 0.94 <= median(shares) <= 1.06
    assert all(capacity.held <= 1.03 * service.ceiling for capacity in capacities)
    for capacity in capacities:
        assert capacity.broke is not None
        if capacity.complete:
            assert capacity.broke / capacity.held <= 1.06
        others = {slo.percentile: other.held for slo, other in capacity.others.items()}
        assert list(others) == ([95] if service.ceiling < 60 else [95, 99.9])  # 37 s a trial
        assert others[95] >= capacity.held * 0.999
        assert 0.9 <= others[95] / TRUTHS[service][0] <= 1.15
        if 99.9 in others:
            assert others[99.9] <= capacity.held * 1.001


def test_full_tolerates_disturbed_trials() -> None:
    capacities = [find(SERVICES[1], FULL, seed, disturbed=0.2)[0] for seed in range(9)]
    shares = [capacity.held / truth(SERVICES[1]) for capacity in capacities]
    assert 0.94 <= median(shares) <= 1.06
    assert sum(share >= 0.9 for share in shares) >= 7


def test_a_search_keeps_to_its_time() -> None:
    quick = [find(service, QUICK, seed)[1] for service in SERVICES[:2] for seed in range(5)]
    assert fmean(quick) <= 16.5
    assert max(quick) <= 30
    full = [find(service, FULL, seed)[1] for service in SERVICES[:2] for seed in range(5)]
    assert max(full) <= 190


@pytest.mark.parametrize("guess", [0.1, 0.4, 3, 10])
def test_recovers_from_a_bad_guess(guess: float) -> None:
    service = SERVICES[1]
    lab = Lab(service, SLO, Random(1))
    capacity = lab.search(QUICK, guess * truth(service))
    assert capacity.broke is not None
    assert capacity.held <= 1.12 * truth(service)
    assert capacity.broke >= 0.88 * truth(service)
    if capacity.complete:
        assert capacity.held >= 0.85 * truth(service)


def test_starts_below_the_prediction_and_a_fair_one_saves_trials() -> None:
    fair, bad = (Lab(SERVICES[1], SLO, Random(1)) for _ in range(2))
    fair.search(FULL, truth(SERVICES[1]))
    assert fair.log[0][0] < truth(SERVICES[1])
    bad.search(FULL, 0.1 * truth(SERVICES[1]))
    assert len(fair.log) < len(bad.log)


def test_finds_the_capacity_of_a_service_that_refuses() -> None:
    service = Service("bounded", 2, 0.010, queue=8)
    lab = Lab(service, SLO, Random(5))
    capacity = lab.search(QUICK, service.ceiling)
    assert (
        service.lost(capacity.held / 1.15, SLO) <= 0.01 <= service.lost(capacity.held * 1.15, SLO)
    )
    assert capacity.held < truth(SERVICES[1])


def test_a_service_that_is_always_late_has_no_capacity() -> None:
    lab = Lab(Service("slow", 8, 0.4), SLO, Random(1))
    assert lab.search(QUICK, 20) == Capacity(held=0.0, broke=1.0)


@pytest.mark.parametrize("goal", [QUICK, FULL], ids=["quick", "full"])
@pytest.mark.parametrize("guess", [20, 1000])
def test_the_generator_may_be_the_limit(goal: Goal, guess: float) -> None:
    lab = Lab(SERVICES[2], SLO, Random(1))
    assert lab.search(goal, guess, ceiling_rate=300) == Capacity(held=300, broke=None)
    assert max(rate for rate, _, _ in lab.log) == 300
    assert trial_duration(300, goal, SLO) <= max(duration for _, duration, _ in lab.log)


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


SHORT = 40  # trials that enclose a rate between the lowest and the highest, two each


@given(
    answers=st.lists(st.sampled_from([0, 0.005, 0.03, 1]), min_size=1, max_size=60),
    goal=st.sampled_from([QUICK, FULL]),
    guess=st.floats(0, 1e5),
    ceiling_rate=st.floats(2, 1e5),
)
def test_always_ends_with_an_interval(
    answers: list[float], goal: Goal, guess: float, ceiling_rate: float
) -> None:
    tried = []

    def measure(rate: float, duration_s: float) -> Verdict:
        tried.append(rate)
        assert duration_s > 0
        assert 1 <= rate <= ceiling_rate
        return verdict(answers[len(tried) % len(answers)])

    clock = lambda: 6.0 * len(tried)  # noqa: E731
    capacity = search(measure, guess, goal, ceiling_rate, slo=SLO, also=BESIDE, clock=clock)
    assert [trial.rate for trial in capacity.trials] == tried
    assert capacity.held == 0 or capacity.held in tried
    assert capacity.broke is None or capacity.held < capacity.broke
    assert capacity.broke is None or capacity.broke in tried
    most = goal.budget_s + goal.patience_s
    assert 6 * (len(tried) - 2 - SHORT) < most  # a surprising break takes two


def test_refuses_a_generator_that_offers_nothing() -> None:
    lab = Lab(SERVICES[0], SLO, Random(1))
    with pytest.raises(ValueError, match="generator"):
        lab.search(QUICK, 100, ceiling_rate=0.5)


def test_stops_when_the_time_is_up() -> None:
    tried: list[float] = []

    def measure(rate: float, _: float) -> Verdict:
        tried.append(rate)
        return verdict(0.5 if rate > 110 else 0)  # held, broke, broke again, held

    goal = replace(QUICK, budget_s=24, patience_s=0)
    capacity = search(measure, 100, goal, 1e6, slo=SLO, clock=lambda: 6.0 * len(tried))
    assert tried == pytest.approx([92, 115, 115, (92 * 115) ** 0.5])
    assert capacity == Capacity(held=tried[3], broke=tried[1], complete=False)


def test_goes_on_past_its_time_until_enough_requests_have_held() -> None:
    tried: list[tuple[float, float]] = []

    def measure(rate: float, duration_s: float) -> Verdict:
        tried.append((rate, duration_s))
        return verdict(0.5 if rate > 110 else 0)

    goal = replace(QUICK, budget_s=24)
    capacity = search(measure, 100, goal, 1e6, slo=SLO, clock=lambda: 6.0 * len(tried))
    assert [duration_s for _, duration_s in tried[:4]] == [1, 1, 1, 1]
    assert (capacity.held, QUICK.trial_s) == tried[-1], "299 requests show p99, but 103 do not"


def test_goes_on_past_its_time_until_an_interval_is_known() -> None:
    tried: list[float] = []

    def measure(rate: float, _: float) -> Verdict:
        tried.append(rate)
        return verdict(0 if rate < 1000 else 0.5)

    search(measure, 10, QUICK, 1e6, slo=SLO, clock=lambda: 6.0 * len(tried))
    assert max(tried) >= 1000
    assert 6 * (len(tried) - 1) > QUICK.budget_s


def test_a_full_search_finds_what_is_missing_by_short_trials_when_its_time_is_up() -> None:
    tried: list[tuple[float, float]] = []
    spent = 0.0

    def measure(rate: float, duration_s: float) -> Verdict:  # long trials always break
        nonlocal spent
        spent += duration_s + 1
        tried.append((rate, duration_s))
        return verdict(0.5 if duration_s > 10 or rate > 50 else 0)

    capacity = search(measure, 31, FULL, 1e6, slo=SLO, clock=lambda: spent)
    assert 0 < capacity.held < min(rate for rate, duration_s in tried if duration_s > 10)
    assert not capacity.complete
    assert spent < FULL.budget_s + FULL.trial_s + 10
