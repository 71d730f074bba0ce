"""What a search returns: an interval of offered rates, and the trials behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from loadtests.slo import Slo

Ends = tuple[float | None, float | None]  # (held, broke); None beyond the bracket


class TrialPoint(NamedTuple):
    """One valid trial: its rate, its planned seconds, and the loss ratio that decides it.

    `lost` is `Verdict.lost`: a percentile with the same bound held if it allows that ratio.
    """

    rate: float
    duration_s: float
    lost: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """The interval [held, broke] of offered rates per second."""

    held: float  # 0 if the cell sustains no load
    broke: float | None  # None if the highest rate that can be offered held
    complete: bool = True  # False if time ran out: the interval is wider, or less certain
    others: "Mapping[Slo, Capacity]" = field(default_factory=dict)  # of further percentiles
    trials: tuple[TrialPoint, ...] = field(default=(), compare=False)  # all that the search ran
