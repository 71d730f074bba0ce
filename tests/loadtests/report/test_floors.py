"""A floor fails only if a capacity is certainly below it, and holds only if it is not."""

from pathlib import Path

import pytest

from loadtests.cell import Cell
from loadtests.commands.words import rate
from loadtests.errors import ServiceError
from loadtests.report.floors import (
    Floor,
    answer_checks,
    check_floors,
    exit_code,
    floor_checks,
    floors,
)
from loadtests.report.summary import Summary
from loadtests.report.survival.markdown import markdown
from loadtests.run.file.lines import Line
from tests.loadtests.report.test_summary import ABSENT, FAILED, GOOD, SLOW, WEAK, summary_of
from tests.support.run_files import result

LIMIT = result("sleep", "thread-pool", 700, None)
NOISE = {"line": "end", "exit": 3, "reason": "noise"}
DONE = {"line": "end", "exit": 0, "reason": None}


def code(summary: Summary, words: str) -> int:
    if not words:
        return exit_code(summary)
    return exit_code(summary, floor_checks(summary, floors(words, rate)))


@pytest.mark.parametrize(
    ("lines", "words", "expected"),
    [
        ([GOOD, WEAK], "", 0),
        ([GOOD, FAILED], "", 0),
        ([FAILED], "", 3),
        ([ABSENT], "", 3),
        ([GOOD, NOISE], "", 3),
        ([GOOD, DONE], "", 0),
        # The interval of the row to use is 600 to 640.
        ([GOOD, WEAK], "600", 0),
        ([GOOD, WEAK], "601", 3),
        ([GOOD, WEAK], "640", 3),
        ([GOOD, WEAK], "641", 1),
        ([GOOD, WEAK], "sleep=600", 0),
        ([GOOD, WEAK], "sleep/inline=14", 0),
        ([GOOD, WEAK], "sleep/inline=15", 3),
        ([GOOD, WEAK], "sleep/inline=17", 1),
        ([GOOD, WEAK], "600,sleep/inline=17", 1),
        ([GOOD, WEAK], "641,sleep/inline=14", 1),
        ([GOOD, WEAK], "641,sleep=600", 0),
        ([GOOD, NOISE], "641", 3),
        # A row without a result might sustain more than those that have one.
        ([GOOD, FAILED], "100", 0),
        ([WEAK, FAILED], "100", 3),
        ([WEAK, FAILED], "sleep/inline=100", 1),
        ([WEAK, FAILED], "sleep/hybrid=1", 3),
        ([FAILED], "100", 3),
        # Beyond the limit of the load generator nothing is known.
        ([LIMIT, WEAK], "700", 0),
        ([LIMIT, WEAK], "701", 3),
        # A column that this machine lacks counts only if it is named.
        ([GOOD, ABSENT], "100", 0),
        ([GOOD, ABSENT], "100,primes=1", 3),
        ([ABSENT], "100", 3),
        # No row sustains any load.
        ([SLOW], "2", 3),
        ([SLOW], "5", 1),
        ([SLOW, GOOD], "sleep=5", 0),
        ([SLOW, GOOD], "5", 1),
        ([SLOW, GOOD], "600,scrape=3", 3),
    ],
)
def test_the_exit_code_follows_from_intervals(
    lines: list[Line], words: str, expected: int, tmp_path: Path
) -> None:
    assert code(summary_of(tmp_path, lines), words) == expected


@pytest.mark.parametrize(
    ("lines", "words", "sentence"),
    [
        ([GOOD, WEAK], "600", "✓ `sleep` at 600 req/s: async sustains 600–640 req/s."),
        (
            [GOOD, WEAK],
            "620",
            "? `sleep` at 620 req/s: cannot tell: async sustains 600–640 req/s.",
        ),
        ([GOOD, WEAK], "700", "✗ `sleep` at 700 req/s: async sustains 600–640 req/s."),
        (
            [WEAK, FAILED],
            "20",
            "? `sleep` at 20 req/s: cannot tell: inline sustains 14–16 req/s, but hybrid may "
            "sustain more: unfinished.",
        ),
        (
            [FAILED],
            "sleep/hybrid=20",
            "? `sleep` at 20 req/s: cannot tell: hybrid has no result (the server did not start).",
        ),
        (
            [LIMIT, WEAK],
            "900",
            "? `sleep` at 900 req/s: cannot tell: thread-pool sustains ≥ 700 req/s, the limit of "
            "the load generator (see --generators).",
        ),
        ([SLOW], "20", "✗ `scrape` at 20 req/s: inline sustains no load."),
        ([SLOW], "scrape/inline=20", "✗ `scrape` at 20 req/s: inline sustains no load."),
    ],
)
def test_a_sentence_has_the_interval_and_the_reason(
    lines: list[Line], words: str, sentence: str, tmp_path: Path
) -> None:
    [check] = floor_checks(summary_of(tmp_path, lines), floors(words, rate))
    assert check.line == sentence


def test_a_row_that_must_not_be_used_reaches_no_floor(tmp_path: Path) -> None:
    cannot = {"async": {"kills_late": "a coroutine cannot be killed"}}
    needs = {"arguments": {"need": ["kills-late"]}, "cannot": cannot}
    [check] = floor_checks(summary_of(tmp_path, [GOOD], **needs), [Floor(100)])
    assert check.line == "✗ `sleep` at 100 req/s: async must not be used (see --need)."


def test_floors_are_numbers_for_all_or_for_a_column_or_a_row() -> None:
    assert floors("200", rate) == (Floor(200),)
    assert floors(" GET /orders/7 = 50 , 9", rate) == (Floor(50, "GET /orders/7"), Floor(9))
    assert floors("a=b=2.5", rate) == (Floor(2.5, "a=b"),)
    for wrong in ("", ",", "x", "=3", "a=", "a=x", "a=0", "inf"):
        with pytest.raises(ValueError, match="invalid"):
            floors(wrong, rate)


CELLS = [
    Cell("GET /orders", "shop"),
    Cell("GET /orders/7", "shop"),
    Cell("sleep", "async", "3.13"),
    Cell("sleep", "async", "3.13t"),
]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("orders", "has no such column; it has 'GET /orders', 'GET /orders/7' and 'sleep'"),
        ("GET /orders/x", "'x' is not a row of 'GET /orders'; name 'shop'"),
        ("sleep/async", "'async' stands for several rows of 'sleep'; name 'async · 3.13' and"),
    ],
)
def test_a_column_or_row_that_is_not_there_is_refused_with_those_that_are(
    name: str, message: str
) -> None:
    with pytest.raises(ServiceError, match=message):
        check_floors([Floor(5, name)], CELLS)


def test_labels_may_hold_slashes_and_rows_are_named_by_label_or_model() -> None:
    for name in ("GET /orders", "GET /orders/7", "GET /orders/7/shop", "GET /orders/shop"):
        check_floors([Floor(5, name)], CELLS)
    # Before a run, only the model of a row is known.
    check_floors([Floor(5, "sleep/async · 64 threads")], [Cell("sleep", "async")])


def test_columns_without_a_floor_are_reported_too(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, [GOOD, SLOW, ABSENT])
    others = answer_checks(summary, floors("sleep=5", rate))
    assert [(check.subject, check.name, check.outcome) for check in others] == [
        ("scrape", "has an answer", "holds"),
        ("primes", "has an answer", "cannot tell"),
    ]


def test_a_page_has_the_checks_first_and_then_the_answers(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, [GOOD, WEAK])
    checks = floor_checks(summary, [Floor(99999)])
    order = ["# Highest load", "**Checks**", checks[0].line, "**Answers**", "`sleep` →", "| req/s"]
    text = markdown(summary, checks)
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "Checks" not in markdown(summary)
    assert "`sleep` at 99999 req/s" in text
