"""One trial: a cell at one rate for some seconds, counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from loadtests.load.result import LoadResult
from loadtests.load.spec import LoadSpec
from loadtests.trial.stages import NOWHERE, Where, where
from loadtests.trial.tally import Tally, tally


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell at one offered rate for one duration."""

    workload: str
    model: str
    rate: float
    duration_s: float  # the one it reached, if it was ended early
    work: Tally
    bystander: Tally  # an empty one, if the service has none
    drained: bool
    generator_cpu: float  # of one core
    short: bool = False  # ended early
    disturbances: tuple[str, ...] = ()  # of the machine, as its sentinel reports them
    where: Where = NOWHERE
    generators_s: float = 0.0  # CPU seconds of all processes that offered the load
    settle_s: float = 0.0  # before it
    completed: int = 0  # right answers, settling and late ones included

    @classmethod
    def of(cls, cell: tuple[str, str], spec: LoadSpec, load: LoadResult) -> Self:
        """Count a load whose first stream is the work and whose second, if any, the bystander."""
        slo, reached_s, early = spec.slo, load.reached_s, load.early
        work, *rest = (tally(stream, slo, reached_s, short=early) for stream in load.streams)
        return cls(
            workload=cell[0],
            model=cell[1],
            rate=spec.streams[0].phases[0].rate,
            duration_s=reached_s,
            work=work,
            bystander=rest[0] if rest else Tally(),
            drained=load.drained,
            generator_cpu=load.generator_cpu,
            short=early,
            where=where(load.streams[0], slo, -spec.settle_s, reached_s),
            generators_s=load.cpu_s,
            settle_s=spec.settle_s,
            completed=load.completed,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data that JSON can carry."""
        return asdict(self)
