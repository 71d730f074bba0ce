"""Courses of load: how they rise, how long they last, and which cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.load.schedule import Phase
from loadtests.ui.shapes import SHAPES, USUAL_S, course, rate_at


def test_steps_climb_to_the_users() -> None:
    phases = course("steps", 100, 50, steps=5, spike=4)
    assert phases == tuple(Phase(rate, 10) for rate in (20, 40, 60, 80, 100))


def test_a_spike_stands_between_two_calms() -> None:
    before, spike, after = course("spike", 50, 100, steps=5, spike=3)
    assert (before.rate, spike.rate, after.rate) == (50, 150, 50)
    assert before.duration_s == after.duration_s == pytest.approx(40)
    assert spike.duration_s == pytest.approx(20)


def test_a_soak_stays() -> None:
    assert course("soak", 7, None, steps=5, spike=4) == (Phase(7, USUAL_S["soak"]),)


@given(
    st.sampled_from(SHAPES),
    st.integers(10, 1000),
    st.floats(30, 1e5),
    st.integers(2, 10),
    st.floats(1.1, 100),
)
def test_every_course_lasts_as_long_as_it_is_told_and_then_ends(
    shape: str, rate: int, duration_s: float, steps: int, spike: float
) -> None:
    phases = course(shape, rate, duration_s, steps, spike)
    assert sum(phase.duration_s for phase in phases) == pytest.approx(duration_s)
    assert rate_at(phases, 0) == phases[0].rate
    assert rate_at(phases, 0.999 * duration_s) == phases[-1].rate
    assert rate_at(phases, 1.001 * duration_s) is None
    assert max(phase.rate for phase in phases) == (spike * rate if shape == "spike" else rate)


@pytest.mark.parametrize(
    ("shape", "rate", "duration_s", "steps", "spike", "message"),
    [
        ("steps", 10, 60, 1, 4, "steps must be 2 to 100, not 1"),
        ("steps", 4, 60, 5, 4, "give more users"),
        ("steps", 50, 5, 5, 4, r"5 s is too short for steps; give a run time of at least 10 s"),
        ("spike", 10, 5, 5, 4, r"too short for spike; give a run time of at least 10 s"),
        ("spike", 10, 60, 5, 1, "spike must be more than 1, not 1"),
        ("soak", 10, 1, 5, 4, "too short for soak; give a run time of at least 2 s"),
    ],
)
def test_what_cannot_be_offered_is_said(  # noqa: PLR0913, PLR0917  # one course each
    shape: str, rate: float, duration_s: float, steps: int, spike: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        course(shape, rate, duration_s, steps, spike)
