"""What charts are made of is right: axes, bands, and which trials they show."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.charts.axes import MOST, even_ticks, ms_text, span, ticks
from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import DARK, PAPER, standalone
from loadtests.report.charts.lanes import WIDTH, chart
from loadtests.report.charts.points import failed_above
from loadtests.report.charts.stages import spent
from loadtests.report.survival.matrix import depths
from loadtests.run.file.lines import Line, trial_of
from loadtests.slo import Slo
from tests.support.run_files import measured, result, trial


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
    [typical] = spent(results, [trial_of(broke), trial_of(second)])
    assert (typical.group, typical.rate, typical.why) == ("typical", 62, "")
    assert typical.stages
    assert typical.stages.total == pytest.approx(7 * 0.0025), "a trial weighs by its requests"
    assert spent(results, [trial_of({**broke, "evidence": {}})]) == []
    other = trial("primes", "async", 60, held=False, work=work, broke_by=broke_by)
    both = [*results, measured(result("primes", "async", 50, 60))]
    _, *unread = spent(both, [trial_of(broke), trial_of(other)])
    assert [(bar.row, bar.group) for bar in unread] == [("async", "typical"), ("async", "late")]
    assert unread[1].why == why


def test_each_row_has_a_lane_with_its_trials_its_capacity_and_the_estimate() -> None:
    known: dict[str, Any] = {"predicted": 48.0, "ceiling": 60.0}
    results = [measured(result("primes", "inline", 40, 50, **known))]
    results.append(measured(result("primes", "supervised-process-pool", 90, None)))
    trials = [
        trial("primes", "inline", 45),
        trial("primes", "inline", 55, held=False),
        trial("primes", "inline", 70, valid=False),
        trial("primes", "supervised-process-pool", 90),
    ]
    picture = chart(results, map(trial_of, trials), Slo.parse("p99<250ms"))
    assert picture is not None
    shapes = ET.fromstring(picture).findall(".//{*}rect")
    dots = [shape for shape in shapes if shape.get("stroke", "none") != "none"]
    assert [dot.get("fill") == PAPER for dot in dots] == [False, True, False]
    bands = [shape for shape in shapes if shape.get("opacity") in {"0.2", "0.4"}]
    estimate, inline, pool = ((float(b.get("x", 0)), float(b.get("width", 0))) for b in bands)
    assert inline[0] < estimate[0] < sum(inline) < sum(estimate)
    assert sum(pool) == pytest.approx(WIDTH), "it has no upper end"
    assert "supervised-process-pool  ≥ 90" in picture
    assert chart(results, [], Slo.parse("p99<250ms")) is None


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
