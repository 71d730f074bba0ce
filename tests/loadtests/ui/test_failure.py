"""Failures say what the service said, with one text for all that failed alike."""

import pytest

from loadtests.load.open_loop import Request
from loadtests.ui.failure import why
from server.admission.policies import Adaptive, Bounded, Deadline


def failed(outcome: str, error: str) -> str:
    request = Request(0.0)
    request.outcome, request.error = outcome, error  # type: ignore[assignment]
    return why(request)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (Deadline, "503: would not have been answered in 150 ms"),
        (Bounded, "503: all 2 workers are busy and many requests wait already"),
        (
            Adaptive,
            "503: many requests are under way already, and with more of them answers took longer "
            "than 150 ms",
        ),
    ],
)
def test_a_refusal_says_why_with_the_same_text_each_time(policy: type[Bounded], text: str) -> None:
    refusals = [policy(2, 10, 0.15).why(under_way) for under_way in (7, 12)]
    assert {failed("refused", f"HTTP 503: {refusal}") for refusal in refusals} == {text}


def test_other_failures_keep_their_texts() -> None:
    assert failed("expired", "HTTP 504: too late") == "504: too late"
    assert failed("unfinished", "unfinished: no answer within 2 s").startswith("unfinished: no")
