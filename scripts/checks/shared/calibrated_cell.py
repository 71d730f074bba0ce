"""A cell that is calibrated and offered single trials, as in a round."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from loadtests.capacity.rounds import Offer
from loadtests.cell import Cell
from loadtests.load.open_loop import Request
from loadtests.load.schedule import TrialLength
from loadtests.load.source import InProcess, Listener
from loadtests.load.spec import SETTLE_S
from loadtests.machine.sentinel import Sentinel
from loadtests.run.options import Options
from loadtests.run.survival.row import Row, Tools
from loadtests.service.contract import discover
from loadtests.service.launcher import RunningService
from loadtests.service.process import ServerProcess
from loadtests.slo import Slo

SLO = Slo.parse("p99<250ms")


def no_listener(_: str, __: Request) -> None:
    """Ignore the answers."""


@dataclass(frozen=True, slots=True)
class CalibratedCell:
    """One cell of a running server, with the lines that a run file would have of it, by kind."""

    row: Row
    lines: Mapping[str, Mapping[str, Any]]

    @property
    def ceiling(self) -> float | None:
        """The rate at which a resource would be used up, if anything is known of that."""
        ceiling: float | None = self.lines["prediction"]["ceiling"]
        return ceiling

    @property
    def saturation(self) -> float:
        """The answers per second to clients that ask without a pause."""
        return float(self.lines["prediction"]["saturation"])

    def trial(self, rate: float, seconds: float) -> Mapping[str, Any]:
        """Run one trial, valid or not, and return its line."""
        self.row.trial(Offer(self.row.name, rate, TrialLength(SETTLE_S, seconds)), 1, ())
        return self.lines["trial"]


@contextmanager
def calibrated(  # noqa: PLR0913 - a cell, where it runs, and how it is judged
    server: ServerProcess,
    cell: Cell,
    parameters: Mapping[str, str],
    sentinel: Sentinel,
    heard: Listener = no_listener,
    *,
    slo: Slo = SLO,
) -> Iterator[CalibratedCell]:
    """Calibrate a cell; the generator calls `heard` with each answer."""
    options = Options(slo=slo, workloads=(cell.workload,), parameters={cell.workload: parameters})
    tools = Tools(options, sentinel, InProcess(heard), math.inf, lambda *_: None)
    lines: dict[str, Mapping[str, Any]] = {}
    service = RunningService(server.url, server, discover(server.url))
    row = Row(tools, cell, service, lines.__setitem__)
    with closing(row):
        yield CalibratedCell(row, lines)
