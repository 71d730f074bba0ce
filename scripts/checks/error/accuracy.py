"""What measurements of a case got right, and how exact they were."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from operator import attrgetter
from statistics import fmean, median, stdev
from typing import NamedTuple

from loadtests.capacity.estimate import Range
from loadtests.capacity.rounds import Care
from scripts.checks.error.cases import APART, ErrorCase
from scripts.checks.shared.changing_machine import Machine, RoundsLab

LEAST = 0.93  # of the 95 % intervals: at least this share should contain the truth


@dataclass(slots=True)
class Measurement:
    """What one measurement of all rows of a case got right; `biases` are logarithms."""

    capacities: list[bool] = field(default_factory=list)
    biases: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    ratios: list[bool] = field(default_factory=list)
    across: list[bool] = field(default_factory=list)  # ratios of rows with different resources
    same: Range | None = None
    differ: dict[str, bool] = field(default_factory=dict)  # whether they were seen to
    missing: int = 0
    seconds: float = 0.0  # for each row
    rounds: int = 0


def measure(job: tuple[ErrorCase, Care, str]) -> Measurement:
    """Measure the rows of a case once."""
    case, care, seed = job
    rows = case.rows()
    lab = RoundsLab(rows, case.slo, Machine(case.machine, seed), seed, case.disturbed, case.noticed)
    rounds = lab.measure(care)
    estimates = rounds.estimates
    known = estimates.rows
    result = Measurement(
        missing=len(rows) - len(known), seconds=lab.took_s / len(rows), rounds=len(rounds.played)
    )
    for name, row in known.items():
        truth = lab.truth(name, row.demand_s)
        result.capacities.append(row.capacity.low <= truth <= row.capacity.high)
        result.biases.append(math.log(row.capacity.value / truth))
        result.errors.append(row.capacity.error)
    for name, other in combinations(known, 2):
        ratio = estimates.ratio(name, other)
        right = ratio.low <= lab.true_ratio(name, other, estimates) <= ratio.high
        (result.across if "other" in {name, other} else result.ratios).append(right)
        if (name, other) == ("first", "same"):
            result.same = ratio
        elif name == "first" and other in APART:
            result.differ[other] = ratio.low > 1
    return result


class Share(NamedTuple):
    """A share of intervals, with its standard error: those of one measurement depend on another."""

    value: float
    error: float

    @classmethod
    def of(cls, measurements: Iterable[Sequence[bool]]) -> Share:
        shares = [fmean(right) for right in measurements if right] or [math.nan]
        return cls(fmean(shares), stdev(shares) / math.sqrt(len(shares)) if shares[1:] else 0.0)

    def __str__(self) -> str:
        return f"{self.value:.0%} ± {self.error:.0%}" if self.value >= 0 else "unknown"

    @property
    def enough(self) -> bool:
        """Whether so many 95 % intervals contain the truth; unknown ones do not."""
        return self.value >= LEAST


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The measurements of a case, in figures."""

    case: ErrorCase
    measurements: Sequence[Measurement]

    @property
    def capacities(self) -> Share:
        return Share.of(item.capacities for item in self.measurements)

    @property
    def ratios(self) -> Share:
        return Share.of(item.ratios for item in self.measurements)

    @property
    def across(self) -> Share:
        return Share.of(item.across for item in self.measurements)

    def line(self) -> str:
        """Return the row of the table, as `HEAD` names its columns."""
        runs = self.measurements
        same = [item.same for item in runs if item.same]
        biases = [bias for item in runs for bias in item.biases] or [math.nan]
        false: list[float] = [not ratio.low <= 1 <= ratio.high for ratio in same] or [math.nan]
        missing = sum(item.missing for item in runs)
        columns = (
            str(self.case),
            f"{self.capacities.value:.0%}",
            f"{fmean(biases):+.1%}",
            f"{_middle(error for item in runs for error in item.errors):.1%}",
            f"{self.ratios.value:.0%}",
            f"{self.across.value:.0%}",
            f"{fmean(false):.0%}",
            f"{_middle(ratio.error for ratio in same):.1%}",
            *(f"{fmean(item.differ.get(name, False) for item in runs):.0%}" for name in APART),
            f"{fmean(item.seconds for item in runs):.0f}",
            f"{fmean(item.rounds for item in runs):.0f}",
            f"{missing / len(runs) / len(self.case.rows()):.0%}" if missing else "–",
        )
        return f"| {' | '.join('–' if 'nan' in text else text for text in columns)} |"


HEAD = (
    "| case | capacities cover | bias | ± | ratios cover | ratios across resources cover "
    f"| equal rows called different | ± | {' | '.join(f'{name} seen' for name in APART)} "
    "| s a row | rounds | no result |",
    f"|---|{'---:|' * (10 + len(APART))}",
)


def _middle(values: Iterable[float]) -> float:
    return median([*values] or [math.nan])


def summary(cases: Sequence[Accuracy]) -> Iterator[str]:
    """Yield the shares that were reached over all cases, and the cases where they are too low."""
    kinds: dict[str, Callable[[Accuracy], Share]] = {
        "capacities": attrgetter("capacities"),
        "ratios": attrgetter("ratios"),
        "ratios across resources": attrgetter("across"),
    }
    for name, share in kinds.items():
        known = [reached.value for case in cases if (reached := share(case)).value >= 0]
        yield f"{fmean(known or [0.0]):.1%} of the 95 % intervals of {name} contain the truth."
    outside = [
        f"- {case.case}: {', '.join(wrong)}"
        for case in cases
        if (wrong := [f"{name} {share(case)}" for name, share in kinds.items()
                      if not share(case).enough])
    ]  # fmt: skip
    yield f"Below {LEAST:.0%}: {len(outside) or 'none'} of {len(cases)} cases."
    yield from outside
