"""How full each resource was under a load, and to what its requests were lost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from loadtests.capacity.demands import Demands
from loadtests.load.answer import Stages
from loadtests.trial.evidence import Evidence

FULL = 0.9  # of the cores, or of the workers: by chance, the rest goes unused
SHORT_S = 2.0  # a shorter load has hardly begun to fill a resource
SHORT_FULL = 0.75
HOG = 0.25  # of the cores for other processes: enough to be the cause
NO_FAULT_OF_THE_WORK = ("connect", "timeout", "timed out", "broken pipe", "no answer")


class Finding(NamedTuple):
    """A cause, and what proves it: one clause, and the numbers in it."""

    name: str
    sentence: str
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Symptoms:
    """Evidence of a load that broke, and the demands of a request where they are known."""

    evidence: Evidence
    alone: Demands

    @cached_property
    def lost(self) -> int:
        return sum(self.evidence.losses.values())

    def share_lost(self, *kinds: str) -> float:
        """The share of the lost requests that were lost in one of these ways."""
        return sum(self.evidence.losses.get(kind, 0) for kind in kinds) / max(self.lost, 1)

    @cached_property
    def full(self) -> float:
        return FULL if self.evidence.duration_s >= SHORT_S else SHORT_FULL

    @cached_property
    def busy_cores(self) -> float | None:
        """Cores kept busy by all processes; None where those of the server are unknown."""
        evidence = self.evidence
        if evidence.server_cores is None:
            return None
        return evidence.server_cores + evidence.generator_cores + (evidence.other_cores or 0.0)

    @cached_property
    def cores_busy(self) -> float | None:
        """The share of the cores that was busy."""
        return None if self.busy_cores is None else self.busy_cores / max(self.evidence.cores, 1)

    @property
    def cores_full(self) -> bool:
        return (self.cores_busy or 0.0) >= FULL

    @property
    def hogged(self) -> bool:
        """Whether other processes than server and generator took a good part of the cores."""
        return (self.evidence.other_cores or 0.0) >= HOG * self.evidence.cores

    @cached_property
    def workers_busy(self) -> float | None:
        """The busy share of the slots, by Little's law: number = rate * time."""
        evidence, stages = self.evidence, self.evidence.typical
        if not evidence.slots or stages is None:
            return None
        return min(evidence.completed * (stages.dispatched + stages.ran) / evidence.slots, 1.0)

    @property
    def one_for_each_core(self) -> bool:
        """Whether workers compute, so that more of them would find no core."""
        stages, slots = self.evidence.typical, self.evidence.slots or 1
        computing = stages is not None and stages.on_cpu >= stages.off_cpu
        return computing and slots >= self.evidence.cores

    @cached_property
    def loop_held(self) -> float | None:
        """The share of time in which work that runs on the event loop held it, by Little's law."""
        evidence, stages = self.evidence, self.evidence.typical
        if not evidence.on_loop or stages is None:
            return None
        return min(evidence.completed * stages.ran / max(evidence.loops, 1), 1.0)

    @property
    def loop_full(self) -> bool:
        """Whether an event loop had no time left: it computed, or work held it."""
        return max(self.evidence.loop_cores or 0.0, self.loop_held or 0.0) >= self.full

    @cached_property
    def loop_lags(self) -> bool:
        """Whether timers of the event loop alone take up a good part of the bound."""
        return (self.evidence.loop_lag_p99_s or 0.0) >= self.evidence.bound_s / 2

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """The share of each stage in the time of late requests, else of all; empty if unknown."""
        stages = self.evidence.late or self.evidence.typical
        return {} if stages is None else _shares(stages)

    @property
    def longest(self) -> str | None:
        """The stage in which most of that time went."""
        return max(self.shares, key=self.shares.__getitem__, default=None)

    @cached_property
    def faults(self) -> float:
        """The share of the lost requests in which the work failed or gave a wrong answer."""
        other = sum(
            count
            for text, count in self.evidence.errors.items()
            if any(sign in text.lower() for sign in NO_FAULT_OF_THE_WORK)
        )
        failed = max(self.evidence.losses.get("failed", 0) - other, 0)
        return failed / max(self.lost, 1) + self.share_lost("wrong")


def _shares(stages: Stages) -> Mapping[str, float]:
    positive = {name: max(time, 0.0) for name, time in stages._asdict().items()}
    total = math.fsum(positive.values())
    if not 0 < total < math.inf:
        return {}
    return {name: time / total for name, time in positive.items()}


def milliseconds(seconds: float) -> str:
    """Write a time with at least two digits, and not more than a sentence needs."""
    ms = 1000 * seconds
    return f"{ms:.0f} ms" if ms >= 99.5 else f"{ms:.1f} ms" if ms >= 0.95 else f"{ms:.2g} ms"
