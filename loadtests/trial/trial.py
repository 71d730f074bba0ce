"""One trial: a cell at one rate for some seconds, counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from loadtests.load.result import LoadResult
from loadtests.load.spec import SETTLE_S
from loadtests.slo import Slo
from loadtests.trial.backlog import Backlog, backlog
from loadtests.trial.stages import NOWHERE, Where, where
from loadtests.trial.tally import Tally, tally


def trial_of(cell: tuple[str, str], rate: float, offered: LoadResult, slo: Slo) -> Trial:
    """Count a load whose first stream is the work and whose second is the bystander."""
    reached_s, early = offered.reached_s, offered.early
    work, bystander = (tally(one, slo, reached_s, short=early) for one in offered.streams)
    return Trial(
        workload=cell[0],
        model=cell[1],
        rate=rate,
        duration_s=reached_s,
        work=work,
        bystander=bystander,
        backlog=backlog(offered.streams[0], slo, reached_s),
        drained=offered.drained,
        generator_cpu=offered.generator_cpu,
        short=early,
        where=where(offered.streams[0], slo, -SETTLE_S, reached_s),
        generators_s=offered.cpu_s,
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell at one offered rate for one duration.

    `short` marks a trial that was ended early; its duration is the one it reached. `disturbances`
    says what the sentinel of the machine saw. `generator_cpu` is a share of one core,
    `generators_s` the CPU seconds of all that offered the load. `where` is where the time of its
    answers went.
    """

    workload: str
    model: str
    rate: float
    duration_s: float
    work: Tally
    bystander: Tally
    backlog: Backlog
    drained: bool
    generator_cpu: float
    short: bool = False
    disturbances: tuple[str, ...] = ()
    where: Where = NOWHERE
    generators_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain data that JSON can carry."""
        return asdict(self)
