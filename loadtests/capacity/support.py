"""How many requests it takes to claim a percentile, and whether a rate that held had as many.

The search keeps to this rule, and so does everything that is reported of its results.
"""

from dataclasses import dataclass
from functools import cache
from math import inf
from typing import TYPE_CHECKING

from loadtests.load.spec import BYSTANDER_RATE
from loadtests.slo import Slo, requests_needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtests.capacity.bounds import Capacity, TrialPoint

MOST = 450_000  # requests: so many does the bystander get in 50 full searches of 150 s


ROUNDED = 0.006  # what the rates of a result may differ by from those of its trials


@dataclass(frozen=True, slots=True)
class Support:
    """The requests that stand behind a rate that held, and how many its percentile takes.

    The objective is about the work and about the bystander, so each of them needs as many.
    """

    percentile: str
    needed: int
    requests: int
    bystander: int

    @property
    def enough(self) -> bool:
        return min(self.requests, self.bystander) >= self.needed

    @property
    def lack(self) -> str:
        """Say what is missing; nothing where there are enough."""
        if self.enough:
            return ""
        few = self.requests < self.needed
        had = self.requests if few else self.bystander
        return (
            f"{self.percentile}{'' if few else ' of /health'} takes {self.needed:,} requests, and "
            f"the trials that held had {had:,}"
        )


@cache
def needed(slo: Slo) -> int:
    """Count the requests that show a percentile with 95 % confidence when none of them is lost.

    Fewer may all be in time although the percentile is not kept. From this number on, the share
    that is lost decides (as in `slo.exceeds`), and the interval is as wide as that is uncertain.
    """
    return requests_needed(slo.loss_ratio, 0)


def objective(text: str) -> Slo:
    """Read an objective to measure. Raises ValueError for one that no run could ever show."""
    slo = Slo.parse(text)
    if (takes := needed(slo)) > MOST:
        raise ValueError(
            f"{slo.name} takes {takes:,} requests, and no run has more than {MOST:,} that could "
            f"show it; ask for less, for example {slo.at(99.9)} ({needed(slo.at(99.9)):,} requests)"
        )
    return slo


def support(slo: Slo, held: float, broke: float | None, trials: "Iterable[TrialPoint]") -> Support:
    """Count the requests of the trials that held at this rate, or above it."""
    least, end = held - ROUNDED, (broke or inf) - ROUNDED
    there = [one for one in trials if least <= one.rate < end and slo.holds(one.lost)]
    return Support(
        slo.name,
        needed(slo),
        sum(round(one.rate * one.duration_s) for one in there),
        sum(round(BYSTANDER_RATE * one.duration_s) for one in there),
    )


def supported(slo: Slo, searches: "Sequence[Capacity]") -> Support | None:
    """Add up what several searches of one cell have seen; None where nothing held, or is known."""
    each = [support(slo, one.held, one.broke, one.trials) for one in searches if one.held > 0]
    if not each or not all(one.trials for one in searches):
        return None
    requests, bystander = sum(s.requests for s in each), sum(s.bystander for s in each)
    return Support(slo.name, needed(slo), requests, bystander)
