"""The survival search as a Locust run: a fresh server for each cell, a search for what it bears.

Everything is appended to the run file as it happens, so whoever follows that file sees the run.
"""

from __future__ import annotations

import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from locust.env import Environment

from loadtests.beyond.bench import Bench, Peak
from loadtests.beyond.trips import beyond
from loadtests.generator import Sent
from loadtests.hammer import Hammer
from loadtests.options import Options
from loadtests.plan import PROBE_S, plan
from loadtests.records import Cell
from loadtests.results import FILE_NAME, RunFile
from loadtests.search import FLOOR, FULL, QUICK, Capacity, search
from loadtests.services import Service, Services
from loadtests.subject import SubjectError
from loadtests.target import TargetError, discover, path_of
from loadtests.trials import Trials, Untrustworthy, expected_answer
from loadtests.users import record, show

RETREATS = 2
LESS = 0.75  # of a rate at which no trial was valid: the next limit to try

log = logging.getLogger("loadbearing")


class Survival:
    """One survival run over some cells, written to `folder`."""

    def __init__(self, locust: Environment, options: Options, folder: Path) -> None:
        self._locust = locust
        self._options = options
        host = str(locust.host) if options.running_service else None
        self._services = Services(options, host, folder / "server.log")
        self._file = RunFile(folder / FILE_NAME)
        self._born = monotonic()
        self._most = 0.0

    def run(self) -> int:
        """Search every cell; returns the exit code of DESIGN: 0 done, 2 usage, 3 no result."""
        code = 3
        reason: str | None = "the run ended before it was over"
        try:
            measured = [self._whole(cell) for cell in self._plan()]
            code, reason = 0, None
            if not any(measured):
                code, reason = 3, "no cell has a result that can be trusted"
        except (TargetError, SubjectError) as error:
            code, reason = 2, str(error)
        finally:
            self._file.append("end", at=self._now(), exit=code, reason=reason)
            self._file.close()
        return code

    def _now(self) -> float:
        return round(monotonic() - self._born, 3)

    def _plan(self) -> list[Cell]:
        """Find out what to measure, write the first line, and order the cells at random."""
        cells, line = plan(self._options, self._services)
        self._most = line["generator_ceiling"]
        self._file.append("run", **line)
        Random(self._options.seed).shuffle(cells)  # noqa: S311 - an order, not a secret
        return cells

    def _whole(self, cell: Cell) -> bool:
        """Measure one cell, and beyond its peak; tells whether it has a result."""
        said = self._cell(cell)
        if "held" in said:
            bench = partial(self._bench, cell)
            for line in beyond(self._options.beyond, said, bench):
                self._file.append("beyond", at=self._now(), **cell._asdict(), **line)
        return "error" not in said

    def _bench(self, cell: Cell, peak: Peak) -> Bench:
        return Bench(self._services, cell, peak, self._options, self._most, self._heard)

    def _heard(self, name: str, one: Sent) -> None:
        record(self._locust, name, one)

    def _cell(self, cell: Cell) -> dict[str, Any]:
        """Measure what one cell bears, be it that it cannot exist."""
        begun = self._now()
        self._file.append("cell-start", **cell._asdict(), at=begun)
        said: dict[str, Any] = {}
        try:
            with self._services.start(cell.model, cell.python) as service:
                found = discover(service.url)
                why = found.unavailable(cell.workload, cell.model)
                said = {"unavailable": why} if why else self._capacity(cell, service)
                said["warnings"] = list(found.runtime.get("warnings") or ())
        except (Untrustworthy, SubjectError, TargetError, OSError) as error:
            log.warning("%s under %s: %s", cell.workload, cell.row, error)
            said = {"error": " ".join(str(error).split())}
        now = self._now()
        self._file.append("cell", **cell._asdict(), at=now, elapsed_s=now - begun, **said)
        return said

    def _capacity(self, cell: Cell, service: Service) -> dict[str, Any]:
        options, url = self._options, service.url
        path = path_of(cell.workload, cell.model, options.parameters.get(cell.workload))
        expected = expected_answer(url, path)
        hammer = Hammer(
            url,
            (cell.workload, cell.row),
            path,
            lambda body: expected in body,
            self._heard,
        )
        with closing(hammer):
            tell = partial(self._tell, cell)
            trials = Trials(hammer, service.subject, options, partial(show, self._locust), tell)
            saturation = hammer.saturation(PROBE_S)
            found = self._search(trials, saturation)
        return {**trials.report(found), "saturation": round(saturation, 2)}

    def _search(self, trials: Trials, saturation: float) -> Capacity:
        """Search below the rate at which the generator becomes the limit, wherever that is."""
        goal = FULL if self._options.mode == "full" else QUICK
        slo, most = self._options.slo, self._most
        for _ in range(RETREATS):
            try:
                return search(trials.measure, saturation, goal, most, slo=slo, clock=monotonic)
            except Untrustworthy as error:
                most = max(LESS * error.rate, 2 * FLOOR)
        return search(trials.measure, saturation, goal, most, slo=slo, clock=monotonic)

    def _tell(self, cell: Cell, trial: dict[str, Any]) -> None:
        self._file.append("trial", at=self._now(), **cell._asdict(), **trial)
