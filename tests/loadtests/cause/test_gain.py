"""What a remedy is predicted to give is what it gives to services in virtual time, and little else.

Each has a GIL that every request needs, and cores behind it. Two server processes have two GILs,
with half of the requests each.
"""

from dataclasses import replace
from itertools import pairwise

import pytest

from loadtests.capacity.demands import Limit
from loadtests.cause.gain import MARGIN, gain
from loadtests.slo import Slo
from tests.support import evidence_examples
from tests.support.virtual_service import Service

BOUND = Slo(99, 0.25)
ARRIVALS = 20_000
STEPS = 8  # of a search: to 1 % of its ceiling
NARROW = 1.75  # the upper end of a prediction is not so many times the lower one
BOTH = {"gil": 2.0, "loop": 2.0}
BOUNDED = (  # seconds that a request needs the GIL, times for which the cores last, whether random
    (0.011, 1.96, False),
    (0.011, 1.5, True),
    (0.03, 1.8, True),
    (0.05, 4.0, False),
    (0.05, 1.96, True),
)


def capacity(service: Service) -> float:
    low, high = 0.0, service.ceiling
    for _ in range(STEPS):
        middle = (low + high) / 2
        held = service.lost(middle, BOUND, ARRIVALS) <= BOUND.loss_ratio
        low, high = (middle, high) if held else (low, middle)
    return low


def measured(held_s: float, cores: float, *, random: bool) -> tuple[float, float]:
    """Return the capacity with one GIL, and that with two."""
    one_gil = Service("GIL", 1, held_s, random)
    both_cores = Service("cores", 2, 2 * held_s / cores, random)
    now = min(capacity(one_gil), capacity(both_cores))
    return now, min(2 * capacity(one_gil), capacity(both_cores))


@pytest.mark.parametrize(("held_s", "cores", "random"), BOUNDED)
def test_a_second_gil_gives_what_is_predicted(held_s: float, cores: float, random: bool) -> None:
    now, then = measured(held_s, cores, random=random)
    limits = [Limit("gil", 1 / held_s), Limit("cores", cores / held_s)]
    ends = gain(evidence_examples.GIL, limits, now, "gil", BOTH)
    assert not isinstance(ends, Limit)
    low, high = ends
    assert low < then / now < high
    assert high < NARROW * low
    assert low > 1, "a remedy that does nothing refutes it"


@pytest.mark.parametrize("share", [0.97, 0.8, 0.6, 0.4])
def test_it_is_never_more_than_twice_of_what_is_doubled(share: float) -> None:
    limits = [Limit("gil", 100.0), Limit("cores", 1000.0)]
    ends = gain(evidence_examples.GIL, limits, 100 * share, "gil", BOTH)
    assert ends == pytest.approx((2 * (1 - MARGIN), 2 * (1 + MARGIN)))


def test_less_of_the_next_limit_can_be_used_with_a_tight_bound() -> None:
    limits = [Limit("gil", 50.0), Limit("cores", 70.0)]
    bounds = (0.06, 0.1, 0.25, 2.0)
    highs = [
        gain(replace(evidence_examples.GIL, bound_s=bound_s), limits, 25.0, "gil", BOTH)[1]
        for bound_s in bounds
    ]
    assert all(tight <= loose for tight, loose in pairwise(highs))
    assert highs[0] < highs[-1]
