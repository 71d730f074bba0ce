"""Prove a cause by its counterfactual: turn the blamed resource alone, and see capacity move."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.slo import FLOOR
from loadtests.wording import DASH, TIMES

if TYPE_CHECKING:
    from collections.abc import Mapping

DETECTABLE = 1.2  # a smaller change drowns in the width of two measured intervals
TOLERANCE = 0.05  # of each end of what was predicted: the machine is not the same minutes later


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of one resource, and the range of ratios by which capacity should then change.

    `axes` are options of the server, `parameters` those of the workload; `cores` restricts the
    server, and nobody else, to so many.
    """

    change: str
    axes: "Mapping[str, str]"
    parameters: "Mapping[str, str]"
    cores: int | None
    predicted: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why no change of a resource could prove a cause."""

    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a cause survived its proof, and the range of ratios by which capacity changed."""

    stands: bool
    measured: tuple[float, float]
    sentence: str


def judge(
    remedy: Remedy, before: tuple[float, float | None], after: tuple[float, float | None]
) -> Claim:
    """Compare two capacities, (held, broke) per second, with what was predicted of the change.

    The claim stands if the two ranges of ratios overlap and the measured one excludes "no
    change"; else it is withdrawn.
    """
    held, broke = before
    if broke is None:
        reason = "withdrawn: without the change it did not break, so nothing was the limit"
        return Claim(False, (0.0, math.inf), reason)
    low = max(after[0], FLOOR) / max(broke, FLOOR)
    high = math.inf if after[1] is None else max(after[1], FLOOR) / max(held, FLOOR)
    least, most = remedy.predicted
    overlaps = low <= most * (1 + TOLERANCE) and high >= least * (1 - TOLERANCE)
    moved = low > 1 if least > 1 else high < 1
    bore = f"with {remedy.change}, it bore {_range(low, high)} as much"
    expected = _range(least, most)
    if overlaps and moved:
        return Claim(True, (low, high), f"{bore}, as predicted ({expected})")
    return Claim(False, (low, high), f"withdrawn: {bore}, where {expected} was predicted")


def _range(low: float, high: float) -> str:
    if high == math.inf:
        return f"at least {low:.2f} {TIMES}"
    return f"{low:.2f}{DASH}{high:.2f} {TIMES}"
