"""What trials beyond the peak have at hand: one cell, its peak, fresh servers, and valid loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from random import Random
from types import MappingProxyType
from typing import TypeVar

from loadtests.cell import Cell
from loadtests.errors import Unmeasured
from loadtests.load.schedule import Phase, patience_s
from loadtests.load.source import Source
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import Options
from loadtests.service.contract import path_of
from loadtests.service.launcher import Launcher, RunningService
from loadtests.service.warm_up import expected_answer
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import tally
from loadtests.trial.verdict import flaws

Found = TypeVar("Found")
TRIES = CONSTANTS.tries


class _FlawedLoad(Exception):
    """The load was not offered as it should have been."""


@dataclass(frozen=True, slots=True)
class Peak:
    """What the search found of a cell: its capacity, and the best goodput that it had."""

    held: float
    broke: float
    goodput: float

    @property
    def capacity(self) -> float:
        """The geometric middle of the interval."""
        return sqrt(self.held * self.broke)


class LoadedServer:
    """A server with a hammer at it."""

    def __init__(
        self, service: RunningService, hammer: CellLoad, options: Options, rng: Random
    ) -> None:
        self.service = service
        self._hammer = hammer
        self._options = options
        self._rng = rng

    def passage(
        self, phases: Sequence[Phase], beside: Mapping[str, str] = MappingProxyType({})
    ) -> PhasedResult:
        """Offer these phases, as `Bench.valid` has it: an invalid one ends the attempt."""
        slo, kind = self._options.slo, self._options.arrivals
        waits_s = patience_s(slo)
        found = self._hammer.passage(phases, slo, kind, self._rng, waits_s, beside=beside)
        counted = [tally(one, slo, found.duration_s) for one in (found.work, found.bystander)]
        for flaw in flaws(counted[0], counted[1], found.generator_cpu, slo):
            raise _FlawedLoad(flaw)
        return found


class PeakLab:
    """Gives a kind of trial what it needs; `most` is the rate that the generator can offer."""

    def __init__(  # noqa: PLR0913, PLR0917  # a cell, what is known of it, and its surroundings
        self,
        services: Launcher,
        cell: Cell,
        peak: Peak,
        options: Options,
        most: float,
        source: Source,
    ) -> None:
        self.cell = cell
        self.peak = peak
        self.slo = options.slo
        self.owned = not services.host
        self._services = services
        self._options = options
        self._most = most
        self._source = source
        self._attempts = 0

    def rate(self, factor: float) -> float:
        """Return this multiple of the capacity. Raises Unmeasured if nobody can offer it."""
        wanted = factor * self.peak.capacity
        if wanted > self._most:
            raise Unmeasured(f"the generator offers no more than {self._most:.0f}/s")
        return wanted

    def valid(self, attempt: Callable[[LoadedServer], Found], *, all_models: bool = False) -> Found:
        """Make attempts, each on a fresh server, until the load is offered as it should be.

        Raises Unmeasured where it never is.
        """
        flaw = ""
        for _ in range(TRIES):
            with self._stand(None if all_models else self.cell.model) as stand:
                try:
                    return attempt(stand)
                except _FlawedLoad as error:
                    flaw = str(error)
        raise Unmeasured(f"no valid load in {TRIES} attempts: {flaw}")

    @contextmanager
    def _stand(self, models: str | None) -> Iterator[LoadedServer]:
        cell, options = self.cell, self._options
        self._attempts += 1
        rng = Random(f"{options.seed}/{cell}/{self._attempts}")  # noqa: S311 - no secret
        with self._services.start(models, cell.python) as service:
            path = path_of(cell.workload, cell.model, options.parameters.get(cell.workload))
            expected = expected_answer(service.url, path)
            name = (cell.workload, cell.row)
            hammer = CellLoad(service.url, name, path, expected, self._source)
            try:
                yield LoadedServer(service, hammer, options, rng)
            finally:
                hammer.close()
