"""A run through several phases of load that nothing ends early, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple

from loadtests.load.arrivals import SCHEDULES, Kind
from loadtests.slo import Slo
from loadtests.trial.tally import Answer

LEAST_PATIENCE_S = 1.0
PATIENCE = 4.0  # bounds of the objective


def patience_s(slo: Slo) -> float:
    """How long a client waits before it hangs up: long past its objective, but not for ever."""
    return max(LEAST_PATIENCE_S, PATIENCE * slo.bound_s)


class Phase(NamedTuple):
    """A load that lasts for a while."""

    rate: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of every request of some phases; seconds since the first of them began.

    `generator_cpu` is a share of one core. `beside` holds the streams that ran along by their
    names. `zero` is the monotonic time at which the first phase began.
    """

    phases: tuple[Phase, ...]
    work: tuple[Answer, ...]
    bystander: tuple[Answer, ...]
    generator_cpu: float
    beside: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    zero: float = 0.0

    @property
    def duration_s(self) -> float:
        return sum(phase.duration_s for phase in self.phases)


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
