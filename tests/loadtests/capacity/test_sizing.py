"""The search of a size ends at the knee that arithmetic knows, and measures few sizes for it."""

import math

import pytest

from loadtests.capacity.estimate import Range
from loadtests.capacity.scalability import Law, law_of
from loadtests.capacity.sizing import MOST_SIZES, Size, first_sizes, knee, next_sizes

WIDE = 0.03  # half the width of the interval of a ratio
MOST = 256


def around(value: float) -> Range:
    return Range(value, value * (1 - WIDE), value * (1 + WIDE))


def searched(
    capacity: Law | dict[int, float], *, least: int = 1, limit: float = math.inf, usual: int = 16
) -> dict[int, Size]:
    """Search as a run does, with the capacities that a law gives, up to the generator's limit."""

    def sustained(size: int) -> float:
        return capacity.at(size) if isinstance(capacity, Law) else capacity[size]

    known: dict[int, float] = {}
    wanted = first_sizes(usual, least, MOST)
    sizes: dict[int, Size] = {}
    while wanted:
        known |= {size: sustained(size) for size in wanted}
        best = max(known.values())
        sizes = {
            size: Size(around(rate), around(best / rate) if rate < best else None, rate >= limit)
            for size, rate in known.items()
        }
        wanted = next_sizes(sizes, least, MOST)
    return sizes


class Saturating(Law):
    """Grows in proportion until another resource runs out."""

    def at(self, size: float) -> float:
        return min(self.single * size, self.contention)


@pytest.mark.parametrize("limit", [8, 20, 64, 100, 190])
def test_a_pool_is_enough_where_another_resource_runs_out(limit: int) -> None:
    sizes = searched(Saturating(20.0, 20.0 * limit, 0.0))
    enough = knee(sizes)
    assert enough is not None
    assert limit / 1.1 <= enough <= 1.5 * limit
    assert len(sizes) <= MOST_SIZES
    assert max(sizes) > enough  # a larger one shows that it gains nothing


def test_where_larger_only_cost_the_smallest_is_enough() -> None:
    sizes = searched(Law(80.0, 1.0, 0.002))  # one lock: threads wait for each other
    assert knee(sizes) == min(sizes) == 1


def test_it_stops_at_the_bounds_and_where_the_generator_does() -> None:
    assert knee(searched(Law(20.0, 0.0, 0.0))) == MOST  # always more
    sizes = searched(Law(20.0, 0.0, 0.0), limit=600.0)
    assert max(sizes) == 64
    assert knee(sizes) == 32
    assert first_sizes(16, 1, 256) == [4, 16, 64]
    assert first_sizes(1, 1, 8) == [1, 4]


def test_it_goes_where_arithmetic_expects_the_knee() -> None:
    sizes = {size: Size(around(20.0 * size), around(64 / size)) for size in (4, 16, 64)}
    assert next_sizes(sizes | {64: Size(around(1280.0))}, 1, MOST, 90.0) == [90, 180]
    assert next_sizes({16: Size(around(0.0), around(2.0))}, 1, MOST) == []


@pytest.mark.parametrize("law", [Law(20, 0.0, 0.0), Law(20, 0.05, 0.0), Law(20, 0.02, 0.0005)])
def test_the_law_of_scalability_is_found_again(law: Law) -> None:
    fitted = law_of({size: law.at(size) for size in (1, 4, 16, 64)})
    assert fitted is not None
    assert fitted == pytest.approx(law, rel=1e-6, abs=1e-9)
    assert (fitted.peak is None) == (law.coherency == 0)


def test_no_law_has_a_share_below_nothing_or_comes_of_too_few_sizes() -> None:
    assert law_of({1: 20.0, 4: 80.0}) is None
    fitted = law_of({1: 20.0, 4: 85.0, 16: 400.0})  # more than in proportion
    assert fitted is not None
    assert min(fitted) >= 0
    assert Law(10, 0.0, 0.01).peak == 10
