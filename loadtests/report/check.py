"""A question that a CI job asks of a run: its answer, and the exit code of all answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["holds", "fails", "cannot tell"]
SIGNS: Mapping[Outcome, str] = {"holds": "✓", "fails": "✗", "cannot tell": "?"}
FAILS, CANNOT_TELL = 1, 3  # exit codes


@dataclass(frozen=True, slots=True)
class Check:
    """Whether something holds, in a sentence, and the figures that it follows from.

    `subject` and `name` hold no figure that is measured: a CI server knows a check by them from
    run to run.
    """

    subject: str
    name: str
    outcome: Outcome
    sentence: str
    figures: Mapping[str, object] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return f"{SIGNS[self.outcome]} {self.sentence}"


def code_of(checks: Iterable[Check]) -> int:
    """Return 1 if any fails, 3 if any cannot be told or there is none, else 0."""
    outcomes = {check.outcome for check in checks}
    if "fails" in outcomes:
        return FAILS
    return 0 if outcomes == {"holds"} else CANNOT_TELL
