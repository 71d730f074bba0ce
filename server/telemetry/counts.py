"""Counters that only grow: how requests ended, how long their stages took, what models gave up.

Counting is part of every request, so it costs a dictionary and a bisection; `prometheus` makes
metrics from it when they are requested.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import TypeVar

from server.worker.timeline import Timeline

STAGES = ("queued", "started", "ran", "cpu", "resumed", "total")
# From a hop between threads to the longest timeout; 250 ms is the objective of the load tests.
BOUNDS_S = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)

Durations = list[float]  # counts up to each bound, the count beyond, and the sum in seconds
K = TypeVar("K")
V = TypeVar("V")


class Stages:
    """How long the stages of the requests took that one model has answered."""

    def __init__(self) -> None:
        self.durations: list[Durations] = [[0] * (len(BOUNDS_S) + 1) + [0.0] for _ in STAGES]

    def add(self, timeline: Timeline) -> None:
        times = (
            timeline.queued,
            timeline.dispatched,
            timeline.ran,
            timeline.cpu,
            timeline.resumed,
            timeline.total,
        )
        for durations, seconds in zip(self.durations, times, strict=True):
            if seconds is not None:
                durations[bisect_left(BOUNDS_S, seconds)] += 1
                durations[-1] += seconds


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything that was counted, by one event loop or by several.

    `requests` by workload, model and status; `stages` by model and stage; `models` by model and
    what it counts; `cpu_s` is CPU time by role; `gil` has for each process how often the GIL was
    sampled and how often it was held. Several loops report the same `cpu_s` and `gil`.
    """

    requests: dict[tuple[str, str, int], int] = field(default_factory=dict)
    stages: dict[tuple[str, str], Durations] = field(default_factory=dict)
    models: dict[tuple[str, str], int] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    loops_cpu_s: float = 0.0
    gil: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            _joined(self.requests, other.requests, add),
            _joined(self.stages, other.stages, lambda left, right: [*map(add, left, right)]),
            _joined(self.models, other.models, add),
            _joined(self.cpu_s, other.cpu_s, max),
            self.loops_cpu_s + other.loops_cpu_s,
            _joined(self.gil, other.gil, max),
        )


def _joined(left: Mapping[K, V], right: Mapping[K, V], join: Callable[[V, V], V]) -> dict[K, V]:
    joined = {**left, **right}
    for key in left.keys() & right.keys():
        joined[key] = join(left[key], right[key])
    return joined


class Counts:
    """The counters of one event loop: cells by status, models by stage."""

    def __init__(self, cells: Iterable[tuple[str, str]], models: Iterable[str]) -> None:
        self.statuses = {cell: defaultdict[int, int](int) for cell in cells}
        self.stages = {model: Stages() for model in models}

    def requests(self) -> dict[tuple[str, str, int], int]:
        return {
            (*cell, status): count
            for cell, statuses in self.statuses.items()
            for status, count in statuses.items()
        }

    def durations(self) -> dict[tuple[str, str], Durations]:
        return {
            (model, stage): durations.copy()
            for model, stages in self.stages.items()
            for stage, durations in zip(STAGES, stages.durations, strict=True)
        }
