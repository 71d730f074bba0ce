"""At your load: which rows sustain a given rate, and how much more they could."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from loadtests.capacity.estimate import Range
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import encode

Outcome = Literal["holds", "fails", "cannot tell"]


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """Whether a row sustains a rate; `headroom` is its capacity as a multiple of that rate.

    The headroom has the interval of the capacity, without an upper end at the generator's limit;
    it is None where the capacity is not known.
    """

    workload: str
    row: str
    outcome: Outcome
    headroom: Range | None = None


def at_load(results: Iterable[CellResult], rate: float) -> tuple[LoadOutcome, ...]:
    """Return what the capacities of all rows that can run say of a rate (requests per second)."""
    return tuple(_at(cell, rate) for cell in results if not cell.unavailable)


def at_load_json(outcomes: Iterable[LoadOutcome]) -> list[dict[str, Any]]:
    """Return the outcomes as plain data; a headroom without an upper end has null there."""
    return [encode(outcome) for outcome in outcomes]


def _at(cell: CellResult, rate: float) -> LoadOutcome:
    if cell.interval is None or not cell.measured or rate <= 0:
        return LoadOutcome(cell.workload, cell.row, "cannot tell")
    high = inf if cell.unbounded else cell.interval.high
    headroom = Range(cell.interval.value / rate, cell.interval.low / rate, high / rate)
    outcome: Outcome = "cannot tell"
    if headroom.low >= 1:
        outcome = "holds"
    elif headroom.high < 1:
        outcome = "fails"
    return LoadOutcome(cell.workload, cell.row, outcome, headroom)
