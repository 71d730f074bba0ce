"""A cell that is calibrated and offered single trials, as in a round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from loadtests.capacity.calibration import Calibration, calibrate
from loadtests.load.open_loop import Request
from loadtests.load.source import InProcess, Listener
from loadtests.machine.sentinel import Sentinel
from loadtests.run.options import Options
from loadtests.run.survival.trials import Tools, TrialRunner
from loadtests.service.contract import path_of
from loadtests.service.process import ServerProcess
from loadtests.service.watch import ServiceWatch
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad

SLO = Slo.parse("p99<250ms")
CORRECT = b'"result"'


def no_listener(_: str, __: Request) -> None:
    """Ignore the answers."""


@dataclass(frozen=True, slots=True)
class CalibratedCell:
    """One cell of a running server."""

    server: ServerProcess
    path: str
    watch: ServiceWatch
    load: CellLoad
    options: Options

    def calibrate(self) -> Calibration:
        return calibrate(
            self.server.url, self.path, lambda body: CORRECT in body, self.watch, SLO.bound_s
        )

    def trial(
        self, rate: float, seconds: float, calibration: Calibration, sentinel: Sentinel
    ) -> dict[str, Any]:
        """Run one trial, valid or not, and return its record."""
        records: list[Mapping[str, Any]] = []
        tools = Tools(self.options, sentinel, lambda _: None)
        trials = TrialRunner(tools, self.load, self.server, self.watch, calibration, records.append)
        trials.once(rate, seconds)
        return dict(records[-1])


@contextmanager
def connect(
    server: ServerProcess,
    workload: str,
    model: str,
    parameters: Mapping[str, str],
    heard: Listener = no_listener,
) -> Iterator[CalibratedCell]:
    """Connect to a cell; the generator calls `heard` with each answer."""
    path = path_of(workload, model, parameters)
    options = Options(slo=SLO, workloads=(workload,), parameters={workload: parameters})
    watch = ServiceWatch(server.url, model, server)
    load = CellLoad(server.url, (workload, model), path, CORRECT, InProcess(heard))
    with closing(watch), closing(load):
        yield CalibratedCell(server, path, watch, load, options)
