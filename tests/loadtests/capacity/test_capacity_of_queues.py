"""The simulated queue bears what queueing theory and another simulation say that it bears."""

import math
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.capacity.prediction import capacity
from scripts.checks.shared.virtual import SLO, TRUTHS, Service, truth

# Highest utilisation of M/D/c that keeps p99 within k times the service time.
UTILISATION = {
    1: {3: 0.32, 5: 0.57, 10: 0.78, 20: 0.90},
    2: {3: 0.58, 5: 0.76, 10: 0.89, 20: 0.95},
    4: {3: 0.77, 5: 0.88, 10: 0.94, 20: 0.98},
    8: {3: 0.89, 5: 0.94, 10: 0.98, 20: 1.00},
}


def tail(servers: int, rate: float, mu: float, bound_s: float) -> float:
    """P(response > bound) of M/M/c, by Erlang C."""
    offered = rate / mu
    terms = [offered**k / math.factorial(k) for k in range(servers + 1)]
    waiting = terms[-1] * servers / (servers - offered)
    waits = waiting / (sum(terms[:-1]) + waiting)
    left = servers * mu - rate
    alone = math.exp(-mu * bound_s)
    if math.isclose(left, mu):
        return alone * (1 + waits * mu * bound_s)
    both = (left * alone - mu * math.exp(-left * bound_s)) / (left - mu)
    return (1 - waits) * alone + waits * both


def erlang_capacity(servers: int, mu: float, bound_s: float) -> float:
    low, high = 0.0, servers * mu * (1 - 1e-9)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(servers, middle, mu, bound_s) <= 0.01 else (low, middle)
    return low


@pytest.mark.parametrize("servers", UTILISATION)
def test_equal_service_times_bear_the_known_utilisation(servers: int) -> None:
    for times, known in UTILISATION[servers].items():
        borne = capacity(servers, [0.01], times * 0.01, 0.01) / (servers / 0.01)
        assert borne == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize(("servers", "bound_s"), [(1, 0.1), (1, 0.2), (2, 0.2), (4, 0.1), (4, 0.5)])
def test_random_service_times_bear_what_erlang_says(servers: int, bound_s: float) -> None:
    sample = [-0.01 * math.log(1 - (each + 0.5) / 2000) for each in range(2000)]
    expected = erlang_capacity(servers, 100, bound_s)
    assert capacity(servers, sample, bound_s, 0.01) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("service", [one for one in TRUTHS if not one.random], ids=str)
def test_it_finds_the_exact_capacity_of_equal_service_times(service: Service) -> None:
    found = capacity(service.servers, [service.service_s], SLO.bound_s, SLO.loss_ratio)
    assert found == pytest.approx(truth(service), rel=0.02)


def test_unequal_service_times_bear_less() -> None:
    assert capacity(2, [0.002, 0.018], 0.1, 0.01) < 0.97 * capacity(2, [0.010], 0.1, 0.01)


def test_a_service_beyond_the_bound_bears_nothing() -> None:
    assert capacity(4, [0.3], 0.25, 0.01) == 0
    assert capacity(4, [0.01] * 95 + [0.3] * 5, 0.25, 0.01) == 0
    assert capacity(4, [0.01] * 999 + [0.3], 0.25, 0.01) > 0
    assert capacity(4, [0.01], -0.1, 0.01) == 0


def test_work_without_a_duration_has_no_limit() -> None:
    assert capacity(1, [0.0], 0.25, 0.01) == math.inf


@pytest.mark.parametrize("wrong", [(0, [0.01], 0.01), (1, [], 0.01), (1, [0.01], 1.0)])
def test_it_says_what_it_expects(wrong: tuple[int, list[float], float]) -> None:
    servers, sample, loss_ratio = wrong
    with pytest.raises(ValueError, match="at least one server"):
        capacity(servers, sample, 0.25, loss_ratio)


def test_a_seed_repeats_it_and_it_is_cheap() -> None:
    begun = process_time()
    first = capacity(16, [0.01, 0.03], 0.25, 0.01, seed=3)
    assert process_time() - begun < 5  # 0.1 s where nothing else runs: the order of it, no more
    assert capacity(16, [0.01, 0.03], 0.25, 0.01, seed=3) == first
    assert capacity(16, [0.01, 0.03], 0.25, 0.01, seed=4) == pytest.approx(first, rel=0.03)


@settings(max_examples=25)
@given(
    servers=st.integers(1, 8),
    sample=st.lists(st.floats(0.001, 0.05), min_size=1, max_size=20),
    bound_s=st.floats(0.02, 0.5),
)
def test_more_workers_and_more_time_never_bear_less(
    servers: int, sample: list[float], bound_s: float
) -> None:
    borne = capacity(servers, sample, bound_s, 0.01, arrivals=2000)
    mean_s = sum(sample) / len(sample)
    assert 0 <= borne <= 1.1 * servers / mean_s
    step = servers / mean_s / 1000
    assert capacity(servers, sample, 1.5 * bound_s, 0.01, arrivals=2000) >= borne - step
    assert capacity(servers + 1, sample, bound_s, 0.01, arrivals=2000) >= borne - step
