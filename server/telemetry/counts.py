"""Counters that only grow: how requests ended, how long their stages took, what models gave up.

Counting is part of every request, so it costs little more than a dictionary; `prometheus` makes
metrics from it when they are requested.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from operator import add
from typing import TypeVar

from server.worker.timeline import Timeline

STAGES = ("queued", "started", "ran", "cpu", "resumed", "total")
# From a hop between threads to the longest timeout; 250 ms is the objective of the load tests.
BOUNDS_S = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)
BATCH = 256  # requests

Durations = list[float]  # counts up to each bound, the count beyond, and the sum in seconds
K = TypeVar("K")
V = TypeVar("V")


class Stages:
    """How long the stages of the requests took that one model has answered.

    They are sorted into the buckets a batch at a time, which costs a sixth of one by one.
    """

    def __init__(self) -> None:
        self._durations: list[Durations] = [[0] * (len(BOUNDS_S) + 1) + [0.0] for _ in STAGES]
        self._batch: list[Timeline] = []

    def add(self, timeline: Timeline) -> None:
        self._batch.append(timeline)
        if len(self._batch) == BATCH:
            self._count()

    def durations(self) -> list[Durations]:
        self._count()
        return [durations.copy() for durations in self._durations]

    def _count(self) -> None:
        batch, self._batch = self._batch, []
        times = (
            [timeline.queued for timeline in batch],
            [timeline.dispatched for timeline in batch],
            [timeline.ran for timeline in batch],
            [timeline.cpu for timeline in batch if timeline.cpu is not None],
            [timeline.resumed for timeline in batch],
            [timeline.total for timeline in batch],
        )
        for durations, seconds in zip(self._durations, times, strict=True):
            durations[-1] += sum(seconds)
            seconds.sort()
            ends = [bisect_right(seconds, bound) for bound in BOUNDS_S]
            for bucket, (start, end) in enumerate(pairwise((0, *ends, len(seconds)))):
                durations[bucket] += end - start


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
            (model, stage): durations
            for model, stages in self.stages.items()
            for stage, durations in zip(STAGES, stages.durations(), strict=True)
        }
