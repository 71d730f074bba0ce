"""How many requests it takes to claim a percentile, and whether a rate that held had as many.

The search and all reports follow this rule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf

from loadtests.capacity.bounds import Capacity, TrialPoint
from loadtests.load.spec import BYSTANDER_RATE
from loadtests.slo import Slo, requests_needed

MOST = 450_000  # requests: the bystander gets as many in 50 full searches of 150 s
ROUNDED = 0.006  # how far the rates of a result may be from those of its trials


@dataclass(frozen=True, slots=True)
class Support:
    """The requests behind a rate that held, and how many its percentile takes.

    The objective applies to the work and to the bystander, so each of them needs that many.
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
    """Count the requests that show a percentile with 95 % confidence if none of them is lost.

    Fewer may all be in time by chance. From this number on, the share that is lost decides (as in
    `slo.exceeds`), and the interval covers the uncertainty of that share.
    """
    return requests_needed(slo.loss_ratio, 0)


def objective(text: str) -> Slo:
    """Read an objective to measure. Raises ValueError for one that no run could show."""
    slo = Slo.parse(text)
    if (takes := needed(slo)) > MOST:
        raise ValueError(
            f"{slo.name} takes {takes:,} requests, and no run has more than {MOST:,} that could "
            f"show it; ask for less, for example {slo.at(99.9)} ({needed(slo.at(99.9)):,} requests)"
        )
    return slo


def support(slo: Slo, held: float, broke: float | None, trials: Iterable[TrialPoint]) -> Support:
    """Count the requests of the trials that held at this rate, or above it."""
    least, end = held - ROUNDED, (broke or inf) - ROUNDED
    those = [trial for trial in trials if least <= trial.rate < end and slo.holds(trial.lost)]
    return Support(
        slo.name,
        needed(slo),
        sum(round(trial.rate * trial.duration_s) for trial in those),
        sum(round(BYSTANDER_RATE * trial.duration_s) for trial in those),
    )


def supported(slo: Slo, searches: Sequence[Capacity]) -> Support | None:
    """Add up several searches of one cell; None where nothing held, or trials are unknown."""
    supports = [support(slo, c.held, c.broke, c.trials) for c in searches if c.held > 0]
    if not supports or not all(capacity.trials for capacity in searches):
        return None
    requests, bystander = sum(s.requests for s in supports), sum(s.bystander for s in supports)
    return Support(slo.name, needed(slo), requests, bystander)
