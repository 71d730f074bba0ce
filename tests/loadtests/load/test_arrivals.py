"""The schedules offer the rate they claim, and are as bursty as they claim."""

from itertools import islice, pairwise
from random import Random
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.load.arrivals import SCHEDULES, Kind, gaps, phase_offset, poisson, uniform
from scripts.checks.bench.accuracy import dispersion

KINDS: tuple[Kind, ...] = ("poisson", "uniform")


@pytest.mark.parametrize("kind", KINDS)
@given(rate=st.floats(0.1, 500), duration_s=st.floats(0.1, 20), seed=st.integers())
def test_offers_exactly_the_rate_in_order(
    kind: Kind, rate: float, duration_s: float, seed: int
) -> None:
    times = SCHEDULES[kind](rate, duration_s, Random(seed))
    assert len(times) == round(rate * duration_s)
    assert times == sorted(times)
    assert all(0 <= time < duration_s for time in times)
    assert times == SCHEDULES[kind](rate, duration_s, Random(seed))


def test_poisson_counts_vary_as_much_as_their_mean() -> None:
    assert dispersion(poisson(2000, 50, Random(1))) == pytest.approx(1, abs=0.1)


def test_uniform_counts_do_not_vary() -> None:
    assert dispersion(uniform(2000, 50, Random(1))) < 0.05


def test_uniform_has_a_random_phase() -> None:
    phases = [uniform(10, 1, Random(seed))[0] for seed in range(200)]
    assert min(phases) < 0.01
    assert max(phases) > 0.09


@pytest.mark.parametrize(("processes", "gap"), [(1, 1), (2, 1 / 2), (3, 1 / 4), (4, 1 / 4)])
def test_evenly_spaced_processes_take_turns(processes: int, gap: float) -> None:
    places = sorted(phase_offset(index) for index in range(processes))
    assert min(b - a for a, b in pairwise([*places, places[0] + 1])) == gap


def test_endless_gaps_have_a_mean_of_one() -> None:
    exponential = list(islice(gaps("poisson", Random(2)), 20_000))
    assert fmean(exponential) == pytest.approx(1, abs=0.03)
    assert pstdev(exponential) == pytest.approx(1, abs=0.03)
    assert set(islice(gaps("uniform", Random(2)), 100)) == {1.0}


@pytest.mark.parametrize(("rate", "duration_s"), [(0, 5), (-1, 5), (100, 0)])
def test_refuses_a_schedule_of_nothing(rate: float, duration_s: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        poisson(rate, duration_s, Random(0))
