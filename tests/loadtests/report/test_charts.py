"""What charts are made of is right: axes, names, fits, and which trials they show."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.charts.axes import MOST, even_ticks, ms_text, span, ticks
from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import DARK, PAPER, standalone
from loadtests.report.charts.lines import placed, width_of
from loadtests.report.charts.loads import figures, spectra
from loadtests.report.charts.points import failed_above, rising
from loadtests.report.charts.resources import chart, near_capacity
from loadtests.report.charts.stages import spent
from loadtests.report.survival.matrix import depths
from loadtests.run.file.lines import Line, trial_of
from tests.support.run_files import measured, result, trial

NAMES = st.text("abcdefghij-", min_size=3, max_size=24)
SPECTRUM = [10.0, 12.0, 20.0, 30.0, 90.0, None, None]


@given(st.dictionaries(NAMES, st.floats(0, 400), max_size=10))
def test_no_name_covers_another_or_its_staff(ends: dict[str, float]) -> None:
    flags = placed(ends.items())
    assert {flag.name for flag in flags} == set(ends)
    for flag, other in product(flags, flags):
        if flag is not other:
            begins = other.x - width_of(other.name)
            if flag.row == other.row:
                assert flag.x <= begins or other.x <= flag.x - width_of(flag.name)
            if flag.row > other.row:  # its staff goes down past the other
                assert not begins < flag.x < other.x


@given(st.floats(0.01, 1e5), st.floats(1.5, 1e4))
def test_an_axis_has_few_numbers_within_its_ends(low: float, ratio: float) -> None:
    numbers = ticks(low, low * ratio)
    assert 1 <= len(numbers) <= 2 * MOST
    assert all(0.999 * low <= tick <= 1.001 * low * ratio for tick in numbers)
    assert all(a < b for a, b in pairwise(numbers))
    begin, end = span([low])
    assert begin < low < end
    assert span([]) == (1.0, 10.0)


@given(st.floats(0.01, 1e6))
def test_an_even_axis_begins_at_zero_and_has_round_numbers(high: float) -> None:
    numbers = even_ticks(high)
    assert numbers[0] == 0
    assert 3 <= len(numbers) <= MOST
    assert numbers[-1] <= 1.001 * high < numbers[-1] + 1.01 * numbers[1]
    texts = " ".join(map(ms_text, even_ticks(2600)))
    assert texts == "0 ms 500 ms 1 s 1.5 s 2 s 2.5 s"


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(1, 1e3)), max_size=30))
def test_a_rising_fit_never_falls_and_keeps_the_mean_and_what_rises(
    dots: list[tuple[float, float]],
) -> None:
    fit = rising(dots)
    assert all(a <= b + 1e-9 for a, b in pairwise(fit))
    weights = [weight for _, weight in dots]
    given_sum = sum(value * weight for value, weight in dots)
    kept_sum = sum(value * weight for value, weight in zip(fit, weights, strict=True))
    assert kept_sum == pytest.approx(given_sum, abs=1e-3)
    assert rising([(1, 1), (2, 5), (3, 1)]) == [1, 2, 3]
    assert rising([(1, 1), (4, 1), (2, 3)]) == [1, 2.5, 2.5]


def test_what_failed_just_above_the_capacity_is_chosen() -> None:
    cell = measured(result("primes", "inline", 50, 60))
    lines = [
        trial("primes", "inline", rate, held=held, valid=valid)
        for rate, held, valid in (
            (40, False, True),  # by chance: it sustained more
            (60, False, True),
            (55, False, False),
            (66, False, True),
            (65, True, True),
            (75, False, True),  # far above it
        )
    ]
    assert [trial.rate for trial in failed_above(cell, map(trial_of, lines))] == [60, 66]


def test_spectra_show_the_trial_of_each_row_that_passed_nearest_to_its_capacity() -> None:
    results = [result("primes", "inline", 40, 50), result("primes", "hybrid", 90, 99)]
    results.append(result("primes", "async", 0, 5))
    work = {"scheduled": 150, "ok": 150, "spectrum_ms": SPECTRUM}
    rates = {"inline": {30: True, 43: True, 45: False, 52: True}, "hybrid": {80: True, 90: True}}
    trials = [
        trial("primes", model, rate, held=held, work=work)
        for model, tried in (rates | {"async": {5: False}}).items()
        for rate, held in tried.items()
    ]
    shown = spectra(list(map(measured, results)), map(trial_of, trials))
    assert {row: trial.rate for row, trial in shown.items()} == {"inline": 43, "hybrid": 90}
    known = figures(shown["inline"])
    assert [at for at, _ in known] == [50, 75, 90, 95, 99, 100]  # 150 requests have no p99.9
    assert known[-1] == (100, None)


def test_resources_are_those_near_the_capacity() -> None:
    results = [
        measured(result("primes", "inline", 95, 105.3)),
        measured(result("primes", "x", 0, 4)),
    ]
    rates = (50, 90, 110, 120)
    lines = [trial("primes", "inline", rate, evidence={"gil": rate / 200}) for rate in rates]
    lines.append(trial("primes", "inline", 100, work={"scheduled": 5}))
    near = near_capacity(results, map(trial_of, lines))
    assert {row: [t.rate for t in those] for row, those in near.items()} == {"inline": [90, 110]}
    picture = chart(results, map(trial_of, lines))
    assert picture is not None
    assert re.findall(">([^<]+)</text>", picture) == ["inline", "50%", "GIL held"]
    assert chart(results, []) is None


@pytest.mark.parametrize(
    ("work", "broke_by", "why"),
    [
        ({"refused": 9}, "refused", "none was late: the queue was full"),
        ({}, "bystander", "none was late: /health was starved"),
        ({"late": 3}, "late", "no late answer was read"),
        ({}, None, "none was late"),
    ],
)
def test_stages_above_the_capacity_are_shown_or_the_reason_why_there_are_none(
    work: Line, broke_by: str | None, why: str
) -> None:
    evidence = {"typical": [0.001] * 7, "late": None}
    work = {"scheduled": 400, "late": 0, **work}
    broke = trial(
        "primes", "inline", 60, held=False, evidence=evidence, work=work, broke_by=broke_by
    )
    results = [measured(result("primes", "inline", 50, 60))]
    second = {**broke, "rate": 64, "evidence": {"typical": [0.003] * 7, "late": None}}
    second["work"] = {**work, "scheduled": 1200}
    typical, late = spent(results, [trial_of(broke), trial_of(second)])
    assert (typical.group, typical.rate, typical.why) == ("typical", 62, "")
    assert typical.stages
    assert typical.stages.total == pytest.approx(7 * 0.0025), "a trial weighs by its requests"
    assert (late.group, late.stages, late.why) == ("late", None, why)
    assert spent(results, [trial_of({**broke, "evidence": {}})]) == []


def test_a_column_is_shaded_by_itself_and_all_that_are_best_alike() -> None:
    lines = [
        *(result("a", "inline", 98, 98), result("a", "async", 100, 100)),
        *(result("a", "hybrid", 80, 80), result("a", "thread-pool", 50, 50)),
        *(result("b", "inline", 7, 7), result("b", "async", 0, 1)),
    ]
    cells = list(map(measured, lines))
    shades = depths(cells, {cells[1].cell, cells[2].cell})
    assert [shades.get(result.cell) for result in cells] == [0.98, 1.0, 1.0, 0.5, 1.0, None]


def test_a_canvas_is_wide_enough_for_its_texts_and_escapes_them() -> None:
    canvas = Canvas()
    canvas.box(0, 1, 12.3456, 5, "#D55E00")
    canvas.text("<b>", 0, 10, anchor="end", halo=True)
    canvas.text("a long name & more", 90, 10)
    picture = canvas.svg(100, 20)
    root = ET.fromstring(standalone(picture, "Title", "In words"))
    width = float(root.get("width", 0))
    assert 200 < width < 300
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["<b>", "a long name & more"]
    assert 'width="12.3"' in picture


def test_a_picture_follows_the_colours_of_the_page() -> None:
    picture = standalone(Canvas().svg(10, 10), "Title", "In words")
    assert f'[fill="{PAPER}"]{{fill:{DARK[PAPER]}}}' in picture
    assert set(re.findall(r'fill="(#[^"]+)"', picture)) == {PAPER}
