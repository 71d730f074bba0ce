"""The objective is read as people write it, and the binomial counts are the published ones."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.slo import Slo, beyond_chance, exceeds, requests_needed


@pytest.mark.parametrize(
    ("text", "percentile", "bound_s"),
    [
        ("p99<250ms", 99, 0.25),
        ("p95 <= 1.5s", 95, 1.5),
        ("p99.9≤2m", 99.9, 120),
        (" p50<7ms ", 50, 0.007),
        ("p99<1h", 99, 3600),
    ],
)
def test_reads_what_people_write(text: str, percentile: float, bound_s: float) -> None:
    assert Slo.parse(text) == Slo(percentile, bound_s)


@pytest.mark.parametrize("text", ["", "p99", "p99<250", "99<1s", "p99>1s", "p99<-1s", "p99<1d"])
def test_refuses_what_is_not_an_objective(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected .*e\.g\. ") as caught:
        Slo.parse(text)
    assert str(caught.value).startswith(f"invalid SLO {text!r}: ")


@pytest.mark.parametrize("text", ["p0<1s", "p100<1s", "p101<1s", "p99<0ms"])
def test_refuses_numbers_out_of_bounds(text: str) -> None:
    with pytest.raises(ValueError, match=r"e\.g\. p99<250ms"):
        Slo.parse(text)


def test_prints_the_default_as_the_command_line_takes_it() -> None:
    assert str(Slo(99, 0.25)) == "p99<250ms"
    assert str(Slo(99.9, 2)) == "p99.9<2s"


@given(
    st.floats(0, 100, exclude_min=True, exclude_max=True),
    st.floats(0, 1e6, exclude_min=True),
)
def test_prints_what_it_reads(percentile: float, bound_s: float) -> None:
    slo = Slo(percentile, bound_s)
    assert Slo.parse(str(slo)) == slo


def test_a_percentile_is_an_allowed_loss_ratio() -> None:
    slo = Slo.parse("p99<250ms")
    assert slo.loss_ratio == 0.01
    assert slo.allows(3, 300)
    assert not slo.allows(3, 299)


@pytest.mark.parametrize(("late", "needed"), [(0, 299), (1, 473), (2, 628), (5, 1049), (10, 1693)])
def test_counts_the_requests_of_the_published_table(late: int, needed: int) -> None:
    assert requests_needed(0.01, late) == needed


@given(st.floats(0.001, 0.5), st.integers(0, 8), st.floats(0.5, 0.99))
def test_one_request_fewer_proves_too_little(ratio: float, late: int, confidence: float) -> None:
    def seen_by_chance(requests: int) -> float:
        return sum(
            math.comb(requests, k) * ratio**k * (1 - ratio) ** (requests - k)
            for k in range(late + 1)
        )

    needed = requests_needed(ratio, late, confidence)
    assert seen_by_chance(needed) <= 1 - confidence + 1e-9
    assert needed == late + 1 or seen_by_chance(needed - 1) > 1 - confidence - 1e-9


def test_refuses_a_ratio_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"for example 0\.01"):
        requests_needed(0, 1)


def test_few_requests_exceed_a_share_only_beyond_chance() -> None:
    assert not exceeds(2, 60, 0.01)  # chance brings two in 12 % of such samples
    assert exceeds(3, 60, 0.01)  # and three in 2 %
    assert not exceeds(3, 300, 0.01)
    assert exceeds(4, 300, 0.01)
    assert not exceeds(0, 1, 0.01)


def test_chance_alone_is_beyond_no_share() -> None:
    assert not beyond_chance(8, 648, 0.01)  # chance brings so many in every third of such samples
    assert beyond_chance(16, 665, 0.01)
    assert not beyond_chance(0, 1, 0.01)


def test_another_percentile_has_the_same_bound() -> None:
    assert Slo(99, 0.25).at(99.9) == Slo(99.9, 0.25)
