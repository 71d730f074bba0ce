"""Trials of one cell: what is offered to it, and how what became of it is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType

from loadtests.load.arrivals import Kind
from loadtests.load.result import measured
from loadtests.load.schedule import Phase
from loadtests.load.source import Source
from loadtests.load.spec import BYSTANDER_RATE, SETTLE_S, LoadSpec, StreamSpec
from loadtests.slo import Slo, loosest
from loadtests.trial.phased import PhasedResult
from loadtests.trial.trial import Trial, trial_of

BESIDE_RATE = 30.0  # of each stream that runs along a passage


class CellLoad:
    """Offers load to one cell of one service; its right answers contain `expected`."""

    def __init__(
        self, url: str, cell: tuple[str, str], path: str, expected: bytes, source: Source
    ) -> None:
        self._url = url
        self._cell = cell
        self._path = path
        self._expected = expected
        self._source = source

    def trial(  # noqa: PLR0913  # a load, how it is offered, and who is told of its end
        self,
        rate: float,
        duration_s: float,
        slo: Slo,
        kind: Kind,
        rng: Random,
        *,
        also: Sequence[Slo] = (),
        over: Callable[[], None] = lambda: None,
    ) -> Trial:
        """Offer `rate` after the settling; end early once neither `slo` nor any of `also` holds.

        `over` is called when the load ends, before its last answers are awaited.
        """
        streams = self._streams((Phase(rate, duration_s),), kind)
        order = LoadSpec(self._url, streams, rng.getrandbits(63), loosest(slo, *also), SETTLE_S)
        return trial_of(self._cell, rate, self._source.offer(order, over), slo)

    def passage(  # noqa: PLR0913  # a load, who offers it how, and what runs beside it
        self,
        phases: Sequence[Phase],
        slo: Slo,
        kind: Kind,
        rng: Random,
        patience_s: float,
        *,
        beside: Mapping[str, str] = MappingProxyType({}),
    ) -> PhasedResult:
        """Offer one phase after the other, whatever becomes of them, after settling at the first.

        Clients hang up `patience_s` after their intended start. `beside` names paths that get a
        few requests all the while.
        """
        streams = self._streams(tuple(phases), kind, beside)
        order = LoadSpec(self._url, streams, rng.getrandbits(63), slo, SETTLE_S, patience_s)
        offered = self._source.offer(order)
        work, bystander, *others = map(measured, offered.streams)
        along = dict(zip(beside, others, strict=True))
        used, zero = offered.generator_cpu, offered.zero
        return PhasedResult(tuple(phases), work, bystander, used, along, zero)

    def _streams(
        self,
        phases: tuple[Phase, ...],
        kind: Kind,
        beside: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[StreamSpec, ...]:
        length = sum(phase.duration_s for phase in phases)

        def tiny(name: str, path: str, rate: float) -> StreamSpec:
            return StreamSpec(name, path, b"", (Phase(rate, length),))

        return (
            StreamSpec("/".join(self._cell), self._path, self._expected, phases, kind),
            tiny("bystander", "/health", BYSTANDER_RATE),
            *(tiny(name, path, BESIDE_RATE) for name, path in beside.items()),
        )

    def saturation(self, duration_s: float, path: str | None = None) -> float:
        """Answers per second to a closed loop of many clients: a rough guess of the ceiling."""
        return self._source.saturation(self._url, path or self._path, duration_s)

    @property
    def processes(self) -> int:
        """How many processes offer the load; one is this one."""
        return self._source.processes

    def close(self) -> None:
        self._source.rest()
