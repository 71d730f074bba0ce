"""Figures read as what is known of them, and causes as they were found."""

from math import inf

import pytest

from loadtests.capacity.estimate import Range
from loadtests.report.wording import cause_sentence, interval_text, ratio_text
from loadtests.run.file.lines import Line
from loadtests.wording import listing, rate_text
from tests.support.run_files import measured, result


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        *((0, "0"), (0.53, "0.53"), (4.0, "4"), (9.53, "9.5"), (95.34, "95"), (99.6, "100")),
        *((171.4, "171"), (1234.0, "1230"), (12345.0, "12300")),
    ],
)
def test_rates_are_rounded_to_what_is_known(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (result("w", "m", 148, 160), "148–160"),
        (result("w", "m", 159.6, 160.2), "160"),
        (result("w", "m", 1310, None), "≥ 1310"),
        (result("w", "m", 0, 4), "none (< 4)"),
        (result("w", "m", None, None, error="?"), "unfinished"),
        (result("w", "m", None, None, error="?", predicted=195.2), "unfinished (≈ 195?)"),
        (result("w", "m", 90, 99, state="unfinished", predicted=95.0), "unfinished (≈ 95?)"),
    ],
)
def test_a_capacity_reads_as_what_is_known_of_it(line: Line, text: str) -> None:
    assert interval_text(measured(line)) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Range(1.9, 1.72, 2.1), "1.9 × (1.7–2.1)"),
        (Range(1.01, 0.97, 1.05), "1.01 × (0.97–1.05)"),
        (Range(12.34, 9.6, 15.8), "12.3 × (9.6–15.8)"),
        (Range(24.3, 19.6, 30.8), "24 × (20–31)"),
        (Range(24.9, 24.9, inf), "at least 24 ×"),
        (Range(1.39, 1.39, inf), "at least 1.3 ×"),
    ],
)
def test_a_ratio_has_its_interval(ratio: Range, text: str) -> None:
    assert ratio_text(ratio) == text


def test_names_are_listed_as_a_sentence_does() -> None:
    assert [listing(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_a_cause_is_told_by_its_sentence() -> None:
    full = measured(result("w", "m", 1, 2, blamed="disk", cause_evidence={"sentence": "it waits"}))
    assert cause_sentence(full) == "it waits"
    assert cause_sentence(measured(result("w", "m", 1, 2))) == ""
