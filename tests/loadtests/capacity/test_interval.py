"""Repeated searches become one interval, which includes the tool's own error."""

import math
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from loadtests.capacity.bounds import Capacity, TrialPoint
from loadtests.capacity.goals import FULL
from loadtests.capacity.interval import FULL_ERROR, QUICK_ERROR, combine, differ, ratio
from scripts.checks.error.known_queues import QueueCase, measure
from scripts.checks.shared.virtual import SLO, TRUTHS, Service

QUICK = Capacity(100, 115)


def full(capacity: float, *also: tuple[float, float], seed: int = 1) -> Capacity:
    """A full search of a service whose trials all break beyond `capacity`; `also` adds trials."""
    rng = Random(seed)
    rates = [capacity * rng.uniform(0.9, 1.1) for _ in range(9)]
    tried = [(rate, 0.0 if rate < capacity else 0.1) for rate in (*rates, capacity * 0.99)]
    tried += [*also, (capacity * 1.01, 0.1)]
    held = max(rate for rate, lost in tried if rate < capacity and not lost)
    broke = min(rate for rate, lost in tried if rate >= capacity and lost)
    trials = [TrialPoint(rate, FULL.trial_s, lost) for rate, lost in tried]
    return Capacity(held, broke, trials=tuple(trials))


def test_a_quick_search_does_not_claim_more_than_it_knows() -> None:
    interval = combine([QUICK], SLO, QUICK_ERROR)
    assert (interval.held, interval.broke) == (100, 115)
    assert interval.high is not None
    excess = 1 + QUICK_ERROR.excess(107, SLO)
    assert interval.capacity == pytest.approx(107.5 / excess, rel=0.02)
    assert interval.low < 100 / excess < 115 / excess < interval.high


def test_short_trials_find_most_too_much_where_few_requests_arrive_within_the_bound() -> None:
    for error in (QUICK_ERROR, FULL_ERROR):
        excess = [error.excess(rate, SLO) for rate in (20, 200, 2000)]
        assert excess == sorted(excess, reverse=True)
        assert excess[0] == pytest.approx(error.largest)
        assert error.excess(200, SLO.at(95)) < error.excess(200, SLO.at(99.9))
    assert FULL_ERROR.excess(200, SLO) < QUICK_ERROR.excess(200, SLO)
    gap = math.log(100) / (2 * 0.250)  # requests per second, by theory
    assert QUICK_ERROR.excess(2000, SLO) == pytest.approx(QUICK_ERROR.visible_share * gap / 2000)


def test_repeats_narrow_the_interval_and_a_disturbed_trial_does_not_move_it() -> None:
    three = [full(200, seed=seed) for seed in range(3)]
    disturbed = [full(200, (170, 1.0), seed=seed) for seed in range(3)]
    calm, rough = combine(three, SLO), combine(disturbed, SLO)
    assert calm.high is not None
    assert calm.low < 200 / (1 + FULL_ERROR.excess(200, SLO)) < calm.high
    assert calm.high / calm.low < 1.12
    assert rough.capacity == pytest.approx(calm.capacity, rel=0.02)
    assert combine(three, SLO) == calm


def test_searches_that_disagree_widen_it() -> None:
    alike = combine([full(200), full(200), full(200)], SLO)
    apart = combine([full(180), full(200), full(220)], SLO)
    assert alike.high is not None
    assert apart.high is not None
    assert apart.high / apart.low > alike.high / alike.low + 0.05


def test_each_percentile_has_its_own_interval() -> None:
    strict = SLO.at(99.9)
    trials = [
        TrialPoint(rate, FULL.trial_s, 0.0 if rate < 180 else 0.005 if rate < 200 else 0.1)
        for rate in range(170, 211, 2)
    ]
    search = Capacity(198, 200, others={strict: Capacity(178, 180)}, trials=tuple(trials))
    assert combine([search] * 3, strict).broke == 180
    assert combine([search] * 3, strict).capacity < combine([search] * 3, SLO).low


def test_says_what_is_open() -> None:
    limit = combine([Capacity(300, None), Capacity(300, None), full(290)], SLO)
    nothing = combine([Capacity(0, 1), Capacity(0, 1), Capacity(0, 2)], SLO)
    assert (limit.broke, limit.high) == (None, None)
    assert limit.held == 300
    assert (nothing.held, nothing.low, nothing.high) == (0, 0, 2)
    assert ratio(limit, combine([full(100)] * 3, SLO))[1] == math.inf
    assert differ(combine([full(100)] * 3, SLO), limit)
    assert differ(nothing, limit)
    assert not differ(nothing, nothing)


def test_cells_differ_only_if_their_ratio_excludes_one() -> None:
    hundred, same, more = (
        combine([full(rate, seed=seed) for seed in seeds], SLO)
        for rate, seeds in ((100, (1, 2, 3)), (100, (4, 5, 6)), (130, (1, 2, 3)))
    )
    assert not differ(hundred, same)
    assert differ(hundred, more)
    low, high = ratio(more, hundred)
    assert low < 1.3 < high


@pytest.mark.parametrize("kind", ["quick", "full"])
@pytest.mark.parametrize("number", [0, 3, 4])
def test_covers_the_truth(kind: str, number: int) -> None:
    """`scripts/error` shows it on a large sample."""
    service = list(TRUTHS)[number]
    case = QueueCase(service, TRUTHS[service][1], kind, disturbed=0.05)
    with ThreadPoolExecutor(1) as pool:
        (measured,) = measure(pool, [case], 4, seed=3)
    intervals = [result.interval for result in measured]
    covers = [interval.low <= case.truth <= (interval.high or 0) for interval in intervals]
    assert sum(covers) >= 3


@pytest.mark.parametrize("service", [s for s in TRUTHS if s.servers == 2], ids=lambda s: s.name)
def test_simulation_agrees_with_the_theory(service: Service) -> None:
    _, capacity, _ = TRUTHS[service]
    assert service.lost(0.98 * capacity, SLO) < SLO.loss_ratio < service.lost(1.02 * capacity, SLO)
