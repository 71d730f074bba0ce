"""A cell to be calibrated and offered single trials, as a search does, without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from loadtests.capacity.calibration import Calibration, calibrate
from loadtests.capacity.demands import Demands
from loadtests.load.open_loop import Request
from loadtests.load.source import Heard, InProcess
from loadtests.machine.sentinel import Sentinel
from loadtests.run.options import Options
from loadtests.run.survival.trials import Costs, Tools, TrialRunner
from loadtests.service.contract import path_of
from loadtests.service.process import ServerProcess
from loadtests.service.watch import ServiceWatch
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad

SLO = Slo.parse("p99<250ms")
RIGHT = b'"result"'


def no_listener(_: str, __: Request) -> None:
    """Leave the generator alone."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One cell of a server that runs."""

    server: ServerProcess
    path: str
    signs: ServiceWatch
    hammer: CellLoad
    options: Options

    def calibrate(self) -> Calibration:
        return calibrate(
            self.server.url, self.path, lambda body: RIGHT in body, self.signs, SLO.bound_s
        )

    def trial(
        self, rate: float, seconds: float, found: Calibration, sentinel: Sentinel
    ) -> dict[str, Any]:
        """Run one trial, valid or not, and return what is told of it."""
        told: list[dict[str, Any]] = []
        costs = Costs(Demands.of(found.lone, found.crowd), found.crowd.on_loop)
        tools = Tools(self.options, sentinel, lambda _: None)
        trials = TrialRunner(tools, self.hammer, self.server, self.signs, costs, told.append)
        trials.once(rate, seconds)
        return told[-1]


@contextmanager
def tried(
    server: ServerProcess,
    workload: str,
    model: str,
    parameters: Mapping[str, str],
    heard: Heard = no_listener,
) -> Iterator[Tried]:
    """Connect to a cell; the generator tells `heard` of each answer."""
    path = path_of(workload, model, parameters)
    options = Options(slo=SLO, workloads=(workload,), parameters={workload: parameters})
    signs = ServiceWatch(server.url, model, server)
    hammer = CellLoad(server.url, (workload, model), path, RIGHT, InProcess(heard))
    with closing(signs), closing(hammer):
        yield Tried(server, path, signs, hammer, options)
