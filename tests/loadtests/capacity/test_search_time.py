"""The search keeps to its budget, and reports it when that ends it."""

from dataclasses import replace

import pytest

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.goals import FULL, QUICK
from loadtests.capacity.search import search
from loadtests.trial.verdict import Verdict
from scripts.checks.shared.virtual import SLO, verdict


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
