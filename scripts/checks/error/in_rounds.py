"""How often rounds of trials are right, and how exact, on rows of known capacity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import NamedTuple

from loadtests.capacity.rounds import FULL, QUICK
from loadtests.slo import Slo
from scripts.checks.shared.changing_machine import Behaviour, Machine, RoundsLab, VirtualRow

CARES = {"quick": QUICK, "full": FULL}
SHARE = 10  # bounds hold so many service times, and more where these vary
PAIRS = (("first", "same"), ("faster", "first"), ("gil", "same"))


class RoundsCase(NamedTuple):
    """A machine, and rows on it; one thing at a time differs from the first case."""

    machine: Behaviour = "steady"
    disturbed: float = 0.0
    variation: float = 0.1
    servers: int = 2
    objective: str = "p99<250ms"

    def __str__(self) -> str:
        disturbed = f", {self.disturbed:.0%} of trials disturbed" if self.disturbed else ""
        return f"{self.machine}{disturbed} | {self.variation:g} | {self.servers} | {self.objective}"

    def rows(self) -> tuple[VirtualRow, ...]:
        """Two that are the same, one 10 % faster, and one with another binding resource."""
        demand_s = Slo.parse(self.objective).bound_s / SHARE / (1 + self.variation**2)
        row = VirtualRow("first", self.servers, demand_s, self.variation, stretch=1.05)
        return (
            row,
            replace(row, name="same"),
            replace(row, name="faster", demand_s=demand_s / 1.1),
            replace(row, name="gil", servers=1, stretch=1.15, group="gil"),
        )


CASES = (
    *(RoundsCase(variation=variation) for variation in (0.1, 0.5, 1.0, 2.0, 3.0)),
    *(RoundsCase("two speeds", variation=variation) for variation in (0.1, 0.5, 1.0, 2.0)),
    *(RoundsCase("wanders", variation=variation) for variation in (0.1, 1.0)),
    *(RoundsCase(disturbed=share) for share in (0.05, 0.2)),
    *(RoundsCase(servers=servers) for servers in (1, 8, 32)),
    *(
        RoundsCase(objective=objective)
        for objective in ("p95<250ms", "p99<30ms", "p99<100ms", "p99<1s")
    ),
)


@dataclass
class Accuracy:
    """What one measurement got right: of its ratios, its capacities, and its ranking."""

    ratios: list[bool] = field(default_factory=list)
    capacities: list[bool] = field(default_factory=list)
    biases: list[float] = field(default_factory=list)  # of capacities, in logarithms
    error: float = math.inf  # of the ratio of the two that are the same
    false: bool = False  # these two were called different
    ranked: bool = False  # it was seen that the two of them sustain less than the faster one
    seconds: float = 0.0  # for each row
    missing: int = 0


def accuracy(job: tuple[RoundsCase, str, str]) -> Accuracy:
    """Measure the rows of a case once."""
    case, care, seed = job
    rows, slo = case.rows(), Slo.parse(case.objective)
    lab = RoundsLab(rows, slo, Machine(case.machine, seed), seed, case.disturbed)
    estimates = lab.measure(CARES[care]).estimates
    known = estimates.rows
    result = Accuracy(seconds=lab.took_s / len(rows), missing=len(rows) - len(known))
    truths = {name: lab.truth(name, row.demand_s) for name, row in known.items()}
    for name, row in known.items():
        result.capacities.append(row.capacity.low <= truths[name] <= row.capacity.high)
        result.biases.append(math.log(row.capacity.value / truths[name]))
    for name, other in PAIRS:
        if {name, other} <= known.keys():
            ratio = estimates.ratio(name, other)
            truth = lab.true_ratio(name, other)
            result.ratios.append(ratio.low <= truth <= ratio.high)
            if (name, other) == PAIRS[0]:
                result.error, result.false = ratio.error, not ratio.low <= 1 <= ratio.high
    if {"first", "same"} <= known.keys():
        result.ranked = estimates.behind("first") and estimates.behind("same")
    return result


def errors(pool: Executor, runs: int, seed: int) -> Iterator[str]:
    """Yield the lines of a table: each case, quick and full."""
    yield (
        "| machine | cv | servers | objective | | ratios cover | same, ± | called different "
        "| 10 % seen | capacities cover | bias | s a row | without a result |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for care in CARES:
        for case in CASES:
            jobs = [(case, care, f"{seed}/{number}") for number in range(runs)]
            results = list(pool.map(accuracy, jobs, chunksize=2))
            yield f"| {case} | {care} | {_figures(results)} |"


def _figures(results: list[Accuracy]) -> str:
    ratios = [right for result in results for right in result.ratios]
    capacities = [right for result in results for right in result.capacities]
    biases = [bias for result in results for bias in result.biases]
    return " | ".join(
        (
            f"{fmean(ratios):.1%}" if ratios else "–",
            f"{median(result.error for result in results):.1%}",
            f"{fmean(result.false for result in results):.1%}",
            f"{fmean(result.ranked for result in results):.0%}",
            f"{fmean(capacities):.1%}" if capacities else "–",
            f"{fmean(biases):+.1%}" if biases else "–",
            f"{fmean(result.seconds for result in results):.0f}",
            f"{sum(result.missing for result in results)} of {4 * len(results)}",
        )
    )
