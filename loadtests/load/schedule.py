"""The starts of a load that runs through several phases, drawn beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from loadtests.load.arrivals import SCHEDULES, Kind
from loadtests.slo import Slo

LEAST_PATIENCE_S = 1.0
PATIENCE = 4.0  # bounds of the objective


def patience_s(slo: Slo) -> float:
    """How long a client waits before it hangs up: well past the objective, but not for ever."""
    return max(LEAST_PATIENCE_S, PATIENCE * slo.bound_s)


class Phase(NamedTuple):
    """A load that lasts for a while."""

    rate: float
    duration_s: float


class TrialLength(NamedTuple):
    """The seconds of a trial: it settles, and then it is measured."""

    settle_s: float
    duration_s: float

    def draw(self, rate: float, rng: Random) -> list[float]:
        """Draw the arrivals of a trial, in seconds since its measured window began."""
        settling, measured = starts((Phase(rate, self.duration_s),), self.settle_s, "poisson", rng)
        return settling + measured


def starts(
    phases: Sequence[Phase], settle_s: float, kind: Kind, rng: Random
) -> tuple[list[float], list[float]]:
    """Draw the starts of a settling at the rate of the first phase, and those of all phases."""
    draw = SCHEDULES[kind]
    settling = [at - settle_s for at in draw(phases[0].rate, settle_s, rng)]
    begins = accumulate((phase.duration_s for phase in phases), initial=0.0)
    measured = [
        begin + at for begin, phase in zip(begins, phases, strict=False) for at in draw(*phase, rng)
    ]
    return settling, measured
