"""The survival search as a Locust run: a fresh server for each cell, a search for what it bears.

Everything is appended to the run file as it happens, so whoever follows that file sees the run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from locust.env import Environment

from loadtests.hammer import Hammer
from loadtests.options import Options
from loadtests.records import Cell
from loadtests.results import FILE_NAME, RunFile, environment
from loadtests.search import FLOOR, FULL, QUICK, Capacity, search
from loadtests.subject import Subject, SubjectError
from loadtests.target import TargetError, discover, path_of
from loadtests.trials import Trials, Untrustworthy, expected_answer
from loadtests.users import record

ALL = "all"
PROBE_S = 1.0
# Of what a closed loop gets from /health, whose requests come in batches: an open loop that sends
# more than this share of it is late. And what one Locust process sends on schedule at all.
HONEST = 0.15
MOST = 2000.0
RETREATS = 2
LESS = 0.75  # of a rate at which no trial was valid: the next limit to try

log = logging.getLogger("loadbearing")


class Survival:
    """One survival run over some cells, written to `folder`."""

    def __init__(self, locust: Environment, options: Options, folder: Path) -> None:
        self._locust = locust
        self._options = options
        self._folder = folder
        self._file = RunFile(folder / FILE_NAME)
        self._born = monotonic()
        self._most = 0.0

    def run(self) -> int:
        """Search every cell; returns the exit code of DESIGN: 0 done, 2 usage, 3 no result."""
        code, reason = 0, None
        try:
            cells = self._plan()
            measured = [self._cell(cell) for cell in cells]
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

    @contextmanager
    def _service(self, model: str) -> Iterator[tuple[str, Subject | None]]:
        if self._options.running_service:
            yield str(self._locust.host), None
            return
        with Subject(("--port", "0", "--models", model), self._folder / "server.log") as subject:
            yield subject.url, subject

    def _plan(self) -> list[Cell]:
        """Ask a service what there is, write the first line, and order the cells at random."""
        with self._service("inline") as (url, _):
            found = discover(url)
            hammer = Hammer(url, ("", ""), "/health", bool, lambda *_: None)
            self._most = min(HONEST * hammer.saturation(PROBE_S), MOST)
            hammer.close()
        workloads = _chosen(self._options.workloads, list(found.workloads))
        models = _chosen(self._options.models, list(found.models))
        cells = [Cell(workload, model) for workload in workloads for model in models]
        found.check(cells, self._options.parameters)
        self._file.append(
            "run",
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            environment={**environment(), "server": dict(found.runtime)},
            arguments={
                "workloads": list(self._options.workloads),
                "models": list(self._options.models),
                "param": [
                    f"{workload}.{name}={value}"
                    for workload, values in self._options.parameters.items()
                    for name, value in values.items()
                ],
                "host": self._locust.host if self._options.running_service else None,
            },
            seed=self._options.seed,
            slo=str(self._options.slo),
            mode=self._options.mode,
            generator_ceiling=self._most,
            cells=[cell._asdict() for cell in cells],
        )
        Random(self._options.seed).shuffle(cells)  # noqa: S311 - an order, not a secret
        return cells

    def _cell(self, cell: Cell) -> bool:
        """Measure one cell; tells whether it has a result, be it that it cannot exist."""
        begun = self._now()
        self._file.append("cell-start", workload=cell.workload, model=cell.model, at=begun)
        said: dict[str, Any] = {}
        try:
            with self._service(cell.model) as (url, subject):
                why = discover(url).unavailable(*cell)
                said = {"unavailable": why} if why else self._capacity(cell, url, subject)
        except (Untrustworthy, SubjectError, OSError) as error:
            log.warning("%s/%s: %s", *cell, error)
            said = {"error": str(error)}
        now = self._now()
        self._file.append("cell", **cell._asdict(), at=now, elapsed_s=now - begun, **said)
        return "error" not in said

    def _capacity(self, cell: Cell, url: str, subject: Subject | None) -> dict[str, Any]:
        options = self._options
        path = path_of(*cell, options.parameters.get(cell.workload))
        expected = expected_answer(url, path)
        hammer = Hammer(
            url,
            cell,
            path,
            lambda body: expected in body,
            lambda name, one: record(self._locust, name, one),
        )
        trials = Trials(hammer, subject, options, self._show, lambda one: self._tell(cell, one))
        try:
            saturation = hammer.saturation(PROBE_S)
            found = self._search(trials, saturation)
        finally:
            hammer.close()
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

    def _show(self, rate: float) -> None:
        """Let Locust's users stand for the offered rate, where somebody watches."""
        if self._locust.web_ui and self._locust.runner:
            users = max(1, round(rate))
            self._locust.runner.start(users, spawn_rate=users)

    def _tell(self, cell: Cell, trial: dict[str, Any]) -> None:
        self._file.append("trial", at=self._now(), **cell._asdict(), **trial)


def _chosen(asked: tuple[str, ...], there: list[str]) -> list[str]:
    return there if asked == (ALL,) else list(asked)
