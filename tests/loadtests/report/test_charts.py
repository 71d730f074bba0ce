"""What charts are made of tells the truth: axes, names, fits, and which trials they show."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.charts.axes import MOST, span, ticks
from loadtests.report.charts.drawing import _rounded
from loadtests.report.charts.fit import rising
from loadtests.report.charts.flags import placed, wide
from loadtests.report.charts.points import at_break
from loadtests.report.charts.spectrum import figures, spectra
from loadtests.report.charts.stages import spent
from loadtests.report.survival.grids import depths
from loadtests.run.file.lines import trial_of
from tests.support.run_files import measured, result, trial

if TYPE_CHECKING:
    from loadtests.run.file.lines import Line

NAMES = st.text("abcdefghij-", min_size=3, max_size=24)
SPECTRUM = [10.0, 12.0, 20.0, 30.0, 90.0, None, None]


@given(st.dictionaries(NAMES, st.floats(0, 400), max_size=10))
def test_no_name_covers_another_or_its_staff(ends: dict[str, float]) -> None:
    flags = placed(ends.items())
    assert {flag.name for flag in flags} == set(ends)
    for one, other in product(flags, flags):
        if one is not other:
            begins = other.x - wide(other.name)
            if one.row == other.row:
                assert one.x <= begins or other.x <= one.x - wide(one.name)
            if one.row > other.row:  # its staff goes down past the other
                assert not begins < one.x < other.x


@given(st.floats(0.01, 1e5), st.floats(1.5, 1e4))
def test_an_axis_has_few_numbers_within_its_ends(low: float, ratio: float) -> None:
    found = ticks(low, low * ratio)
    assert 1 <= len(found) <= 2 * MOST
    assert all(0.999 * low <= tick <= 1.001 * low * ratio for tick in found)
    assert all(a < b for a, b in pairwise(found))


def test_an_axis_of_nothing_or_of_one_value_is_still_one() -> None:
    assert span([]) == (1.0, 10.0)
    low, high = span([100.0])
    assert low < 100 < high


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(1, 1e3)), max_size=30))
def test_a_rising_fit_never_falls_and_keeps_the_mean(dots: list[tuple[float, float]]) -> None:
    fit = rising(dots)
    assert all(a <= b + 1e-9 for a, b in pairwise(fit))
    weights = [weight for _, weight in dots]
    given_sum = sum(value * weight for value, weight in dots)
    kept_sum = sum(value * weight for value, weight in zip(fit, weights, strict=True))
    assert kept_sum == pytest.approx(given_sum, abs=1e-3)


def test_a_rising_fit_leaves_alone_what_rises_and_pools_what_does_not() -> None:
    assert rising([(1, 1), (2, 5), (3, 1)]) == [1, 2, 3]
    assert rising([(1, 1), (4, 1), (2, 3)]) == [1, 2.5, 2.5]


def test_the_break_is_the_longest_trial_at_the_lowest_rate_that_broke() -> None:
    cell = measured(result("primes", "inline", 50, 60))
    lines = [
        trial("primes", "inline", rate, held=held, duration_s=seconds, valid=valid)
        for rate, held, seconds, valid in (
            (40, False, 9, True),  # an accident: more was held
            (60, False, 1, True),
            (60, False, 3, True),
            (55, False, 9, False),
            (70, False, 9, True),
            (65, True, 9, True),
        )
    ]
    found = at_break(cell, map(trial_of, lines))
    assert found is not None
    assert (found.rate, found.duration_s) == (60, 3)


def test_spectra_are_of_trials_that_held_at_what_every_survivor_held() -> None:
    results = [result("primes", "inline", 40, 50), result("primes", "hybrid", 90, 99)]
    results.append(result("primes", "async", 0, 5))
    work = {"scheduled": 150, "ok": 150, "spectrum_ms": SPECTRUM}
    trials = [
        trial("primes", model, rate, held=held, work=work)
        for model, rate, held in (
            ("inline", 40, True),
            ("inline", 30, True),
            ("inline", 39, False),
            ("hybrid", 80, True),
            ("hybrid", 90, True),
            ("async", 5, False),
        )
    ]
    found = spectra(list(map(measured, results)), map(trial_of, trials))
    assert found is not None
    assert found.rate == 40
    assert {row: one.rate for row, one in found.shown.items()} == {"inline": 40, "hybrid": 80}
    known = figures(found.shown["inline"])
    assert [at for at, _ in known] == [50, 75, 90, 95, 99, 100]  # 150 requests have no p99.9
    assert known[-1] == (100, None)


def test_stages_at_the_break_come_in_the_order_of_their_fields() -> None:
    seen = {"typical": [0.001] * 7, "late": None}
    broke = trial("primes", "inline", 60, held=False, evidence=seen)
    one, two = spent([measured(result("primes", "inline", 50, 60))], [trial_of(broke)])
    assert (one.group, one.rate) == ("typical", 60)
    assert one.stages
    assert one.stages.total == pytest.approx(0.007)
    assert (two.group, two.stages) == ("late", None)


@pytest.mark.parametrize(
    ("work", "broke_by", "why"),
    [
        ({"refused": 9}, "refused", "none was late: the queue was full and refused"),
        ({}, "backlog", "none was late: the backlog kept growing"),
        ({"late": 3}, "late", "no late answer was read"),
        ({}, None, "none was late"),
    ],
)
def test_where_no_late_answer_is_shown_it_is_said_why(
    work: Line, broke_by: str | None, why: str
) -> None:
    seen = {"typical": [0.001] * 7, "late": None}
    broke = trial(
        "primes",
        "inline",
        60,
        held=False,
        evidence=seen,
        work={"late": 0, **work},
        broke_by=broke_by,
    )
    results = [measured(result("primes", "inline", 50, 60))]
    assert [one.why for one in spent(results, [trial_of(broke)])] == ["", why]
    assert spent(results, [trial_of({**broke, "evidence": {}})]) == []


def test_a_column_is_shaded_by_itself() -> None:
    lines = [result("a", "inline", 1, 1), result("a", "async", 100, 100)]
    lines += [result("b", "inline", 7, 7), result("b", "async", 0, 1)]
    found = {one[:2]: depth for one, depth in depths(map(measured, lines), ()).items()}
    assert found == {("a", "inline"): 0.01, ("a", "async"): 1.0, ("b", "inline"): 1.0}


def test_what_bears_the_same_is_shaded_the_same_and_so_is_all_that_is_best() -> None:
    lines = [result("a", "inline", 98, 98), result("a", "async", 100, 100)]
    lines += [result("a", "hybrid", 80, 80), result("a", "thread-pool", 50, 50)]
    cells = [measured(line) for line in lines]
    found = depths(cells, {cells[1].cell, cells[2].cell})
    assert [found[one.cell] for one in cells] == [0.98, 1.0, 1.0, 0.5]


def test_numbers_of_a_picture_are_rounded_to_what_one_can_see() -> None:
    assert _rounded(' d="M12.3456,-0.512l0.04,5.96"') == ' d="M12.3,-.5l0,6"'
