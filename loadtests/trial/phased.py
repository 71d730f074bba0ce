"""What became of a load of several phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.load.answer import Answer
from loadtests.load.schedule import Phase


@dataclass(frozen=True, slots=True)
class PhasedResult:
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
