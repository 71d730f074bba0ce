"""A comparison claims what the intervals of two runs allow, and nothing more."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.cell import Cell
from loadtests.report.compare.comparison import Comparison
from loadtests.report.compare.ratio import Ratio
from loadtests.report.compare.sentences import (
    legend_of,
    marked,
    range_text,
    ratio_text,
    verdicts,
)
from loadtests.run.file.lines import Line, Run
from tests.support.compared_runs import compared, run_of, served, waiting
from tests.support.run_files import NO_TWIN, SERVERS, SEVERAL_RESULTS, on, result, unavailable

RATE = st.floats(2, 2000)
STEP = st.one_of(st.none(), st.floats(1.02, 1.4))  # from the lower end to the upper one
BRACKETS = st.lists(st.tuples(RATE, STEP), min_size=2, max_size=2)


def cell(model: str, low: float, high: float | None) -> Line:
    """Return a cell that does not depend on the speed of the machine."""
    return waiting(result("primes", model, low, high))


def one_cell(low: float, high: float | None) -> Run:
    return run_of(cell("thread-pool", low, high))


def ratio_of(comparison: Comparison, number: int = 0) -> Ratio:
    ratio = comparison.rows[0].later[number].ratio
    assert ratio is not None
    return ratio


def test_a_clear_difference_is_reported_with_ratio_interval_and_rates() -> None:
    comparison = compared(one_cell(90, 97), one_cell(171, 182))
    ratio = ratio_of(comparison)
    assert (ratio.sign, comparison.regressions) == ("more", 0)
    assert ratio.best is not None
    assert ratio.best == pytest.approx(1.89, abs=0.01)
    assert 1.79 < ratio.low < ratio.best < ratio.high < 1.99
    (sentence,) = verdicts(comparison)
    start = f"B sustains {ratio_text(ratio)} ({range_text(ratio)}) the load of A for "
    assert sentence.startswith(f"{start}`primes` under thread-pool at equal speed; measured: ")


def test_a_run_is_no_better_than_itself() -> None:
    cells = [cell(f"model-{n}", 40.0 * n, 43.0 * n) for n in range(1, 5)]
    comparison = compared(run_of(*cells), run_of(*cells))
    assert [ratio.best for ratio in comparison.ratios(0)] == [1.0] * 4
    assert comparison.regressions == 0
    (sentence,) = verdicts(comparison)
    assert "B and A are statistically tied in all 4 cells. Changes of less than about" in sentence


@settings(max_examples=30, deadline=None)
@given(BRACKETS)
def test_swapping_two_runs_inverts_their_ratio(brackets: list[tuple[float, float | None]]) -> None:
    first, later = (one_cell(low, step and low * step) for low, step in brackets)
    there, back = ratio_of(compared(first, later)), ratio_of(compared(later, first))
    assert 0 <= there.low <= there.high
    if there.best is not None:
        assert back.best == pytest.approx(1 / there.best)
        assert there.low <= there.best <= there.high
    assert (there.high == inf) == (back.low == 0)
    if there.low > 0 and back.high < inf:
        assert there.low * back.high == pytest.approx(1)
    assert (there.sign, back.sign) in {("more", "less"), ("less", "more"), ("same", "same")}


def test_missing_bounds_leave_the_ratio_open() -> None:
    at_least, bounded, none = one_cell(800, None), one_cell(90, 97), one_cell(0, 4)
    less = ratio_of(compared(at_least, bounded))
    assert (less.best, less.low, less.sign) == (None, 0, "less")
    assert marked(less) == f"▼ ≤ {less.high:.2f} ×"
    more = ratio_of(compared(bounded, at_least))
    assert (more.high, more.sign, marked(more)) == (inf, "more", f"▲ ≥ {more.low:.2f} ×")
    both = compared(at_least, at_least)
    assert (ratio_of(both).sign, marked(ratio_of(both))) == ("same", "?")
    assert "?" in legend_of(both)
    assert "?" not in legend_of(compared(bounded, bounded))
    assert ratio_of(compared(none, none)).sign == "same"


def test_no_load_is_no_ratio() -> None:
    some, none = one_cell(90, 97), one_cell(0, 4)
    lost = compared(some, none)
    assert lost.regressions == 1
    (sentence,) = verdicts(lost)
    assert "B sustains no load for `primes` under thread-pool, where A sustains " in sentence
    (sentence,) = verdicts(compared(none, some))
    assert sentence.endswith(" req/s for `primes` under thread-pool, where A sustains no load.")


def test_what_only_one_run_has_is_no_regression() -> None:
    first = run_of(
        cell("inline", 64, 70),
        result("sleep", "async", 900, 950),
        unavailable("primes", "async", NO_TWIN),
    )
    second = run_of(
        result("sleep", "hybrid", 90, 97),
        unavailable("sleep", "async", "broken"),
        cell("inline", 64, 70),
        unavailable("primes", "async", NO_TWIN),
    )
    comparison = compared(first, second)
    assert [ratio.cell.model for ratio in comparison.ratios(0)] == ["inline"]
    assert comparison.regressions == 0
    assert [row.cell for row in comparison.rows] == [  # cells of a workload are neighbours
        *(Cell("primes", "inline"), Cell("primes", "async")),
        *(Cell("sleep", "async"), Cell("sleep", "hybrid")),
    ]
    assert Cell("primes", "async") not in [row.cell for row in comparison.shown]


def test_a_tolerance_forgives_smaller_losses() -> None:
    runs = one_cell(171, 182), one_cell(90, 97)
    high = ratio_of(compared(*runs)).high
    assert compared(*runs, tolerance=1 - high - 0.01).regressions == 1
    forgiven = compared(*runs, tolerance=1 - high + 0.01)
    assert forgiven.regressions == 0
    assert any(sentence.endswith(" in no cell.") for sentence in verdicts(forgiven))


def test_many_differences_are_counted_and_the_largest_named() -> None:
    models = [f"model-{n}" for n in range(1, 7)]
    first = run_of(*(cell(model, 100, 106) for model in models))
    later = run_of(*(cell(model, 100 / n, 106 / n) for n, model in enumerate(models, 1)))
    less, same = verdicts(compared(first, later))
    assert less.startswith("B sustains less than A in 5 of 6 cells: `primes` under model-6 (0.1")
    assert less.endswith("and 2 more.")
    assert same.startswith("1 of 6 cells of B is statistically tied with A.")


def test_each_later_run_is_compared_with_the_first() -> None:
    comparison = compared(one_cell(90, 97), one_cell(171, 182), one_cell(40, 43))
    assert [ratio_of(comparison, number).sign for number in (0, 1)] == ["more", "less"]
    assert [sentence[:10] for sentence in verdicts(comparison)] == ["B sustains", "C sustains"]


def test_runs_on_one_python_each_are_labelled_by_it() -> None:
    with_gil = run_of(on("3.13", cell("thread-pool", 50, 55)), environment={"servers": SERVERS})
    plain = run_of(
        cell("thread-pool", 120, 130),
        environment=served("3.13.5", gil=False, free_threaded_build=True),
    )
    comparison = compared(with_gil, plain)
    assert [side.label for side in comparison.sides] == ["Python 3.13", "Python 3.13t"]
    assert ratio_of(comparison).sign == "more"
    assert verdicts(comparison)[0].startswith("Python 3.13t sustains 2.38 × (2.")


def test_runs_on_the_same_python_are_labelled_by_their_folders() -> None:
    assert [side.label for side in compared(one_cell(90, 97), one_cell(90, 97)).sides] == ["A", "B"]
    elsewhere = run_of(cell("thread-pool", 90, 97), environment={"cpu": "M9", **served("3.14.0")})
    assert [side.label for side in compared(one_cell(90, 97), elsewhere).sides] == ["A", "B"]


def test_where_a_run_has_several_pythons_the_same_ones_match() -> None:
    several = run_of(*map(waiting, SEVERAL_RESULTS), environment={"servers": SERVERS})
    assert [ratio.cell.row for ratio in compared(several, several).ratios(0)] == [
        "thread-pool · 3.13",
        "thread-pool · 3.13t",
    ]
    single = run_of(cell("thread-pool", 52, 56), environment=served("3.13.0"))
    assert [ratio.cell.row for ratio in compared(several, single).ratios(0)] == [
        "thread-pool · 3.13"
    ]
