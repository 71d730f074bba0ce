"""What a search does at this moment, in words: said of the line of the run file before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.survival.sections import prediction_text
from loadtests.run.file.lines import trial_of
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtests.run.file.lines import Line, TrialRecord


def step_after(line: Line) -> str | None:
    """Say what comes after a line; None if it changes nothing."""
    said = AFTER.get(line["line"])
    return said(line) if callable(said) else said


def outcome_of(one: TrialRecord) -> str:
    return "discarded" if not one.valid else "held" if one.held else "broke"


def _tried(line: Line) -> str:
    one = trial_of(line)
    return f"{rate_text(one.rate)}/s {outcome_of(one)}"


def _foreseen(line: Line) -> str:
    if line.get("predicted") is None:
        return "nothing can be predicted; searching from what a crowd was answered"
    return prediction_text(line)


def _searched(line: Line) -> str:
    return "searched; what comes after it" if "held" in line else "there is no result"


AFTER: Mapping[str, str | Callable[[Line], str]] = {
    "run": "starting the first server",
    "resumed": "going on where the run was interrupted",
    "cell-start": "starting a fresh server, and measuring what one request costs",
    "prediction": _foreseen,
    "trial": _tried,
    "cell": _searched,
    "proof-trial": lambda line: f"proving its cause, with a change: {_tried(line)}",
    "proof": "the proof is over",
    "beyond": lambda line: f"beyond its peak: {line['kind']} is over",
    "end": "over",
}
