"""What trials beyond the peak need: a cell and its peak, fresh servers, and valid loads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TypeVar

from loadtests.cell import Cell
from loadtests.errors import Unmeasured
from loadtests.load.schedule import Phase, patience_s
from loadtests.load.source import Source
from loadtests.machine.disturbances import disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import Options
from loadtests.service.contract import Discovery
from loadtests.service.guest_launcher import AnyLauncher
from loadtests.service.launcher import RunningService
from loadtests.service.sampler import cpu_s, family
from loadtests.service.warm_up import prepared
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import tally
from loadtests.trial.verdict import flaws

Result = TypeVar("Result")
TRIES = CONSTANTS.tries


class _FlawedLoad(Exception):
    """The load was not offered as it should have been, or the machine was disturbed."""


@dataclass(frozen=True, slots=True)
class Peak:
    """What was measured of a cell: its capacity, and its best goodput."""

    capacity: float
    goodput: float


@dataclass(frozen=True, slots=True)
class LoadedServer:
    """A server, and the load that it gets."""

    service: RunningService
    load: CellLoad
    options: Options
    rng: Random
    sentinel: Sentinel

    def offer(
        self,
        phases: Sequence[Phase],
        beside: Mapping[str, str] = MappingProxyType({}),
        *,
        loose: bool = False,
    ) -> PhasedResult:
        """Offer these phases; a load that is not valid ends the attempt of `PeakLab.valid`.

        With `loose`, the generator may be later, and the bystander is not judged.
        """
        slo, kind = self.options.slo, self.options.arrivals
        waits_s, before_s = patience_s(slo), _own_cpu_s()
        self.sentinel.begin()
        result = self.load.passage(phases, slo, kind, self.rng, waits_s, beside=beside)
        # What a server that is not ours used is unknown.
        machine = self.sentinel.end(_own_cpu_s() - before_s if self.service.subject else None)
        work, bystander = (
            tally(stream, slo, result.duration_s) for stream in (result.work, result.bystander)
        )
        beside_it = None if loose else bystander
        generator = [*flaws(work, beside_it, result.generator_cpu, slo, loose=loose)]
        for flaw in (*disturbances(machine, late=bool(generator)), *generator):
            raise _FlawedLoad(flaw)
        return result


@dataclass(slots=True)
class PeakLab:
    """Provides what a kind of trial needs; `most` is the highest rate that can be offered."""

    services: AnyLauncher
    cell: Cell
    peak: Peak
    options: Options
    most: float
    source: Source
    sentinel: Sentinel
    attempts: int = 0

    @property
    def slo(self) -> Slo:
        return self.options.slo

    def rate(self, factor: float) -> float:
        """Return this multiple of the capacity. Raises Unmeasured if it cannot be offered."""
        wanted = factor * self.peak.capacity
        if wanted > self.most:
            raise Unmeasured(f"the generator offers no more than {self.most:.0f}/s")
        return wanted

    def valid(
        self,
        attempt: Callable[[LoadedServer], Result],
        *,
        all_models: bool = False,
        axes: Mapping[str, str] = MappingProxyType({}),
    ) -> Result:
        """Make attempts, each on a fresh server with these options, until the load is valid.

        Raises Unmeasured if it never is.
        """
        flaw = ""
        for _ in range(TRIES):
            with self._server(None if all_models else self.cell.model, axes) as server:
                try:
                    return attempt(server)
                except _FlawedLoad as error:
                    flaw = str(error)
        raise Unmeasured(f"no valid load in {TRIES} attempts: {flaw}")

    def discovery(self) -> Discovery:
        """Return what a server for the cell offers."""
        with self.services.start(self.cell.model, self.cell.variant) as service:
            return service.discovery

    @property
    def axes(self) -> Mapping[str, str]:
        """The options that its servers are started with."""
        variation = self.services.variations[self.cell.variant]
        return self.options.servers.only(variation.options).axes

    @contextmanager
    def _server(self, models: str | None, axes: Mapping[str, str]) -> Iterator[LoadedServer]:
        cell, options = self.cell, self.options
        self.attempts += 1
        rng = Random(f"{options.seed}/{cell}/{self.attempts}")  # noqa: S311 - no secret
        with self.services.start(models, cell.variant, axes=axes) as service:
            parameters = options.parameters.get(cell.workload)
            ready = prepared(service.url, cell[:2], service.discovery, parameters)
            name = (cell.workload, cell.row)
            load = CellLoad(
                *(service.url, name, ready.request, self.source, ready.bystander),
                insecure=ready.insecure,
            )
            try:
                yield LoadedServer(service, load, options, rng, self.sentinel)
            finally:
                load.close()


def _own_cpu_s() -> float:
    """CPU seconds of this process and all below it: generators, our server, what watches it.

    Those that have ended count too, such as workers that were killed.
    """
    return cpu_s(family(os.getpid()))
