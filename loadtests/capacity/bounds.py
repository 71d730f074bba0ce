"""What a search found: an interval of rates for each percentile, and the trials that say so."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtests.slo import Slo


class TrialPoint(NamedTuple):
    """One valid trial: its rate, its planned seconds, and the loss ratio that decides it.

    `lost` is `Verdict.lost`: a percentile with the same bound held if it allows that ratio.
    """

    rate: float
    duration_s: float
    lost: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """The interval [held, broke] of offered rates per second.

    `held` is 0 if no load is borne; `broke` is None if the highest rate that can be offered held.
    Not `complete` means that the time ran out: the interval is wider, or less certain. `others`
    are the capacities for further percentiles of the same search, `trials` all that it ran.
    """

    held: float
    broke: float | None
    complete: bool = True
    others: "Mapping[Slo, Capacity]" = field(default_factory=dict)
    trials: tuple[TrialPoint, ...] = field(default=(), compare=False)
