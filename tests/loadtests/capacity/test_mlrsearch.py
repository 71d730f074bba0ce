"""A final trial is long enough for its claim, and MLRsearch gets ratios that it can use."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.capacity.goals import FULL, QUICK, provable, trial_duration
from loadtests.slo import Slo
from scripts.checks.shared.virtual import SLO

Refine = Callable[..., Any]
BESIDE = (SLO.at(95), SLO.at(99.9))


@pytest.fixture(scope="module")
def refine() -> Refine:
    from loadtests.capacity.mlrsearch import refine  # noqa: PLC0415 - takes a third of a second

    return refine


def test_a_final_trial_is_long_enough() -> None:
    assert trial_duration(1000, QUICK, SLO) == 5
    assert trial_duration(40, QUICK, SLO) == pytest.approx(299 / 40)
    assert trial_duration(40, QUICK, SLO.at(99.9)) == pytest.approx(2995 / 40)
    assert trial_duration(1000, QUICK, Slo(99, 2.0)) == 40
    # The bystander needs as many requests for its 99.9 %, unless that takes too long.
    assert trial_duration(1000, QUICK, SLO.at(99.9)) == pytest.approx(2995 / 60)
    assert trial_duration(1000, QUICK, SLO.at(99.99)) == pytest.approx(29956 / 1000)
    assert trial_duration(1000, FULL, SLO) == 20
    assert trial_duration(40, FULL, SLO) == pytest.approx(1049 / 40)
    assert trial_duration(10, FULL, SLO.at(95)) == pytest.approx(208 / 10)
    # The two of three trials that decide a load prove a stricter percentile together.
    assert trial_duration(40, FULL, SLO, *BESIDE) == pytest.approx(1498 / 40)
    assert trial_duration(100, FULL, SLO.at(99.9)) == pytest.approx(5256 / 100)


def test_a_percentile_that_takes_too_long_to_prove_is_left_out() -> None:
    assert provable(100, FULL, SLO, *BESIDE) == (SLO, *BESIDE)
    assert provable(40, FULL, SLO, *BESIDE) == (SLO, SLO.at(95))
    assert provable(0, FULL, SLO.at(99.9)) == (SLO.at(99.9),)  # but the main one is


@settings(max_examples=30)
@given(st.lists(st.floats(50, 150), min_size=3, max_size=3), st.randoms())
def test_finds_each_percentile_where_the_losses_cross_it(
    refine: Refine, thresholds: list[float], rng: Random
) -> None:
    """Each goal learns whether it broke, however much a trial lost."""
    strictest, main, loosest = sorted(thresholds)

    def final(rate: float) -> float:
        crossed = sum(rate > threshold for threshold in (strictest, main, loosest))
        return rng.choice([(0.0, 0.0005), (0.0011, 0.01), (0.0101, 0.05), (0.051, 1.0)][crossed])

    ends = refine(final, (45.0, 90.0, 160.0), {}, FULL, (SLO, *BESIDE))
    for slo, threshold in zip((SLO, *BESIDE), (main, loosest, strictest), strict=True):
        held, broke = ends[slo]
        assert held is not None
        assert broke is not None
        assert held <= threshold < broke
        assert broke / held <= 1.051


def test_a_rate_that_broke_before_is_not_run_again(refine: Refine) -> None:
    ran: list[float] = []

    def final(rate: float) -> float:
        ran.append(rate)
        return 0.0 if rate < 100 else 1.0

    held, broke = refine(final, (80.0, 95.0, 110.0), {110.0: 0.5}, QUICK, (SLO,))[SLO]
    assert held is not None
    assert held < 100 <= (broke or 0)
    assert 110.0 not in ran
