"""Offer load to one cell, with a bystander beside it, and count the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType

from loadtests.load.arrivals import Kind
from loadtests.load.request import HEALTH, RequestSpec
from loadtests.load.result import measured
from loadtests.load.schedule import Phase, TrialLength
from loadtests.load.source import Source
from loadtests.load.spec import BYSTANDER_RATE, SETTLE_S, LoadSpec, StreamSpec
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from loadtests.trial.trial import Trial

BESIDE_RATE = 30.0  # of each further stream beside the work


class CellLoad:
    """Offers load to one cell of one service, with a bystander if the service has one."""

    def __init__(  # noqa: PLR0913 - a load, where it goes, and where it comes from
        self,
        url: str,
        cell: tuple[str, str],
        request: RequestSpec,
        source: Source,
        bystander: RequestSpec | None = HEALTH,
        *,
        insecure: bool = False,
    ) -> None:
        self._url = url
        self._cell = cell
        self._request = request
        self._source = source
        self._bystander = bystander
        self._insecure = insecure

    def spec(  # noqa: PLR0913, PLR0917  # a load, and how it is offered
        self, rate: float, length: TrialLength, slo: Slo, kind: Kind, seed: int, enough: float
    ) -> LoadSpec:
        """Describe a trial at `rate`, which ends early once the share `enough` of it is lost."""
        streams = self._streams((Phase(rate, length.duration_s),), kind)
        return LoadSpec(
            *(self._url, streams, seed, slo, length.settle_s),
            enough=enough,
            insecure=self._insecure,
        )

    def trial(self, spec: LoadSpec, over: Callable[[], None] = lambda: None) -> Trial:
        """Offer it; `over` is called when the load ends, before the last answers arrive."""
        return Trial.of(self._cell, spec, self._source.offer(spec, over))

    def passage(  # noqa: PLR0913  # a load, how it is offered, and what runs beside it
        self,
        phases: Sequence[Phase],
        slo: Slo,
        kind: Kind,
        rng: Random,
        patience_s: float,
        *,
        beside: Mapping[str, str] = MappingProxyType({}),
    ) -> PhasedResult:
        """Offer one phase after the other to the end, after settling at the rate of the first.

        Clients hang up `patience_s` after their intended start. `beside` names paths that get a
        few requests all the while.
        """
        streams = self._streams(tuple(phases), kind, beside)
        spec = LoadSpec(
            *(self._url, streams, rng.getrandbits(63), slo, SETTLE_S, patience_s),
            insecure=self._insecure,
        )
        load = self._source.offer(spec)
        work, *rest = map(measured, load.streams)
        bystander = rest.pop(0) if self._bystander else ()
        others = dict(zip(beside, rest, strict=True))
        return PhasedResult(tuple(phases), work, bystander, load.generator_cpu, others, load.zero)

    def _streams(
        self,
        phases: tuple[Phase, ...],
        kind: Kind,
        beside: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[StreamSpec, ...]:
        length = sum(phase.duration_s for phase in phases)

        def tiny(name: str, request: RequestSpec, rate: float) -> StreamSpec:
            return StreamSpec(name, request, (Phase(rate, length),))

        bystander = self._bystander
        return (
            StreamSpec("/".join(self._cell), self._request, phases, kind),
            *([tiny("bystander", bystander, BYSTANDER_RATE)] if bystander else ()),
            *(
                tiny(name, RequestSpec(name, target=path), BESIDE_RATE)
                for name, path in beside.items()
            ),
        )

    @property
    def processes(self) -> int:
        """How many processes offer the load, this one included."""
        return self._source.processes

    def close(self) -> None:
        self._source.rest()
