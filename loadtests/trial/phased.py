"""The result of a load of several phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.load.answer import Answer
from loadtests.load.schedule import Phase


@dataclass(frozen=True, slots=True)
class PhasedResult:
    """Every request of some phases, in seconds since the first phase began."""

    phases: tuple[Phase, ...]
    work: tuple[Answer, ...]
    bystander: tuple[Answer, ...]
    generator_cpu: float  # of one core
    beside: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)  # other streams, by name
    zero: float = 0.0  # the monotonic time at which the first phase began

    @property
    def duration_s(self) -> float:
        return sum(phase.duration_s for phase in self.phases)
