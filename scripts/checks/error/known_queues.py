"""Search queues of known capacity in virtual time, many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from random import Random
from typing import NamedTuple

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.goals import FULL, QUICK
from loadtests.capacity.interval import FULL_ERROR, QUICK_ERROR, Interval, combine
from loadtests.slo import Slo
from scripts.checks.shared.virtual import SLO, Lab, Service

GOALS = {"quick": (QUICK, QUICK_ERROR, 1), "full": (FULL, FULL_ERROR, 3)}
BESIDE = (SLO.at(95), SLO.at(99.9))
FAST = 1000  # requests per second: above it a search takes seconds, so fewer are made
SearchResult = tuple[Capacity, float]  # and the virtual seconds that it took


class QueueCase(NamedTuple):
    """A service that is searched many times under the same conditions."""

    service: Service
    truth: float
    kind: str
    disturbed: float = 0.0
    sentinel: float = 0.0


class Measured(NamedTuple):
    """One measurement: a quick search, or three full ones."""

    interval: Interval
    seconds: float
    beside: dict[Slo, Interval]


def measure(
    pool: Executor, cases: Sequence[QueueCase], searches: int, seed: int
) -> Iterator[list[Measured]]:
    """Make as many measurements of each case as searches; triples overlap, to save time."""
    jobs = [
        (case, f"{seed}/{number}")
        for case in cases
        for number in range(max(searches // 10, 5) if case.truth > FAST else searches)
    ]
    results: dict[QueueCase, list[SearchResult]] = {case: [] for case in cases}
    for (case, _), result in zip(jobs, pool.map(_search, jobs, chunksize=4), strict=True):
        results[case].append(result)
    groups = [
        (case, first, [of_case[place % len(of_case)] for place in range(first, first + repeats)])
        for case, of_case in results.items()
        for repeats in (GOALS[case.kind][2],)
        for first in range(len(of_case))
    ]
    measured: dict[QueueCase, list[Measured]] = {case: [] for case in cases}
    for (case, *_), measurement in zip(
        groups, pool.map(_combined, groups, chunksize=4), strict=True
    ):
        measured[case].append(measurement)
    return iter(measured.values())


def _search(job: tuple[QueueCase, str]) -> SearchResult:
    """Search once, from a prediction that is up to 20 % wrong; returns the virtual seconds too."""
    case, seed = job
    rng = Random(f"{seed}/{case}")  # noqa: S311 - a simulation, not a secret
    goal, *_ = GOALS[case.kind]
    also = BESIDE if case.kind == "full" else ()
    lab = Lab(case.service, SLO, rng, case.disturbed, case.sentinel, also)
    return lab.search(goal, case.truth * rng.uniform(0.8, 1.2)), lab.clock_s


def _combined(group: tuple[QueueCase, int, list[SearchResult]]) -> Measured:
    case, first, results = group
    _, error, _ = GOALS[case.kind]
    capacities = [capacity for capacity, _ in results]
    beside = {
        slo: combine(capacities, slo, error, seed=first)
        for slo in (BESIDE if case.disturbed == 0 else ())
        if all(slo in capacity.others for capacity in capacities)
    }
    return Measured(combine(capacities, SLO, error, seed=first), results[0][1], beside)


def faster_by(case: QueueCase, times: float) -> QueueCase:
    service = replace(case.service, service_s=case.service.service_s / times)
    return case._replace(service=service, truth=case.truth * times)
