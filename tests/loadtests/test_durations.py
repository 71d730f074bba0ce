"""Durations: every unit is read wherever a duration is, and what is written reads back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.durations import duration_text, parse_duration, rounded_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), (" 1.5 h ", 5400), ("2m", 120), ("7ms", 0.007)],
)
def test_every_unit_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5x", "-5s", "s", "1e3s", "5 s 3"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected e\.g\. 250ms, 30s, 2m or 1h") as caught:
        parse_duration(text)
    assert str(caught.value).startswith(f"invalid duration {text!r}: ")


@given(st.floats(0, 1e9))
def test_what_is_written_reads_back_the_same(seconds: float) -> None:
    assert parse_duration(duration_text(seconds)) == seconds


def test_people_read_rounded_durations() -> None:
    assert [rounded_duration(s) for s in (40, 360, 7500)] == ["40 s", "6 min", "2 h 05 min"]
