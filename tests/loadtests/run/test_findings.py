"""All trials of a cell that broke say what limited it, and whether it was the same to the end."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.run.survival.findings import limited, unsteady


def trial(
    rate: float, cause: str | None, scheduled: int = 300, **quotients: float
) -> dict[str, Any]:
    named = {"name": cause, "sentence": f"{cause} at {rate:g}", "quotients": quotients}
    return {
        "rate": rate,
        "held": cause is None,
        "broke_by": cause and "late",
        "cause": cause and named,
        "evidence": {"rate": rate},
        "work": {"scheduled": scheduled},
    }


def test_trials_vote_and_the_one_that_shows_most_is_quoted() -> None:
    trials = [
        trial(90, None),
        trial(95, "pool", 400),
        trial(100, "pool", 450),
        trial(97, "unknown", 400),
        trial(250, "cores", 500),
        trial(260, "cores", 500),
        trial(270, "cores", 500),
    ]
    shown = limited(trials)
    assert (shown["blamed"], shown["broke_by"]) == ("pool", "late")
    assert shown["cause_evidence"]["sentence"] == "pool at 100"
    assert shown["evidence"] == {"rate": 100}
    assert [shown["cause_evidence"][key] for key in ("agree", "of")] == [2, 6]


def test_a_trial_of_a_few_requests_shows_little_and_one_without_a_cause_counts_half() -> None:
    assert limited([trial(100, "queue full", 3), trial(100, "GIL", 300)])["blamed"] == "GIL"
    assert limited([trial(100, "unknown"), trial(100, "GIL", 200)])["blamed"] == "GIL"
    assert limited([trial(100, "unknown"), trial(100, "GIL", 20)])["blamed"] == "unknown"


def test_the_runner_up_is_close_in_the_mean_of_all_that_agree() -> None:
    close = [trial(100, "cores", cores=1.0, pool=0.95), trial(100, "cores", cores=1.0, pool=0.9)]
    assert limited(close)["cause_evidence"]["runner_up"] == "pool"
    once = [trial(100, "cores", cores=1.0, pool=0.95), trial(100, "cores", cores=1.0)]
    assert limited(once)["cause_evidence"]["runner_up"] is None


def test_a_cell_that_never_broke_has_no_cause() -> None:
    assert set(limited([trial(90, None)]).values()) == {None}


@pytest.mark.parametrize(
    ("figure", "values", "words"),
    [
        (
            "cpu_ms_per_request",
            [38.2, 21.0, 4.4, 4.1],
            "a request took 30 ms of CPU in the first trials and 4.2 ms in the last: the cell "
            "warms up, so its capacity is not a constant",
        ),
        ("cpu_ms_per_request", [4.0, 12.0], "slows down"),
        ("cpu_ms_per_request", [8.0, 12.0, 7.0, 13.0], None),  # as the machine's speed varies
        ("cpu_ms_per_request", [8.0], None),
        ("cpu_ms_per_request", [None, None], None),
        ("pss_mib", [80.0, 150.0, 300.0], "memory grew from 80 to 300 MiB during the trials"),
        ("pss_mib", [80.0, 130.0], None),
    ],
)
def test_a_cell_that_changes_is_not_steady(
    figure: str, values: list[float | None], words: str | None
) -> None:
    sentence = unsteady([{figure: value} for value in values])
    assert sentence is None if words is None else words in str(sentence)
