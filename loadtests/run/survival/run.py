"""The survival search as a Locust run: a fresh server for each search of a cell.

Everything is appended to the run file as it happens, so whoever follows that file sees the run,
and a run that was interrupted goes on where its file ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from gevent import GreenletExit

from loadtests.cell import Cell
from loadtests.errors import RunFileError, ServiceError, StartError, Untrustworthy, WorkersGone
from loadtests.load.source import Source
from loadtests.machine.sentinel import Sentinel
from loadtests.run.beyond.lab import Peak, PeakLab
from loadtests.run.beyond.run import beyond
from loadtests.run.file.fold import typical
from loadtests.run.file.run_file import FILE_NAME, Kind, RunFile
from loadtests.run.options import Options
from loadtests.run.survival.agenda import PROOF, SEARCH, Job
from loadtests.run.survival.cell import CellSearch
from loadtests.run.survival.history import History
from loadtests.run.survival.plan import plan
from loadtests.run.survival.prove import prove
from loadtests.run.survival.trials import Tools
from loadtests.service.contract import discover
from loadtests.service.launcher import Launcher

SPENT = "not measured: the budget of {:g} s was spent; repeat the command with a larger --budget"
ADVICE = (
    "stop other programs on this machine, or retry when it is idle. If the generator was late, add "
    "processes (--generators 2) or run it on another machine (--host)"
)

log = logging.getLogger("loadbearing")


class Watcher(Protocol):
    """Watches a run in the process that measures; called at each line and trial, and at its end."""

    def look(self) -> None: ...

    def offer(self, rate: float) -> None: ...

    def over(self, code: int, reason: str) -> None: ...


class Survival:
    """One survival run over some cells, written to `folder`; `show` is given each offered rate."""

    def __init__(  # noqa: PLR0913 - what is measured, where, and who watches
        self,
        host: str | None,
        source: Source,
        options: Options,
        folder: Path,
        *,
        watcher: Watcher | None,
        show: Callable[[float], None],
    ) -> None:
        self._show = show
        self._source = source
        self._options = options
        self._services = Launcher(options.servers, host, folder / "server.log")
        self._history = History(folder)
        self._agenda = self._history.agenda
        self._path = folder / FILE_NAME
        self._watcher = watcher
        self._file: RunFile | None = None
        self._resumed = monotonic()
        self._born = self._resumed - self._history.at
        self._first_flaw = ""

    def run(self) -> int:
        """Do all jobs; returns the exit code: 0 done, 2 usage, 3 no result."""
        code, reason = 3, "the run ended before it was over"
        try:
            most = self._begin()
            with Sentinel() as sentinel:
                tools = Tools(self._options, sentinel, self._offer)
                self._work(CellSearch(tools, most, self._source))
            code, reason = 0, ""
            if self._first_flaw and not self._agenda.results():
                code = 3
                reason = f"no cell has a result that can be trusted: {self._first_flaw}; {ADVICE}"
        except (ServiceError, StartError, RunFileError) as error:
            code, reason = 2, str(error)
        except WorkersGone as error:
            reason = str(error)
        except GreenletExit:
            reason = "the search was stopped"
            raise
        finally:
            if reason:
                log.error("%s", reason)
            self._write("end", exit=code, reason=reason or None)
            if self._file:
                self._file.close()
            if self._watcher:
                self._watcher.over(code, reason)
        return code

    def _now(self) -> float:
        return round(monotonic() - self._born, 3)

    def _begin(self) -> float:
        """Write what will be measured, or that the run goes on; returns the generator's limit.

        A file that holds another run is left as it is: nothing is written before it was checked.
        """
        line = plan(self._options, self._services, self._source)
        self._history.check(line)
        self._file = RunFile(self._path)
        if self._history.begun:
            self._write("resumed", started=line["started"], options=line["options"])
        else:
            self._write("run", **line)
        return float(line["generator_ceiling"])

    def _write(self, kind: Kind, /, **fields: Any) -> None:
        if self._file:
            line = {"at": self._now(), **fields}
            self._file.append(kind, **line)
            self._agenda.update({"line": kind, **line})
            if self._watcher:
                self._watcher.look()

    def _work(self, search: CellSearch) -> None:
        """Do what is left, one job after the other; begin no search once the budget is spent."""
        budget_s, job = self._options.budget_s, None
        while left := self._agenda.left:
            before, job = job, left[0]
            spent = budget_s and monotonic() - self._resumed > budget_s
            if spent and not job.continues(before):
                for unmeasured in left:
                    if unmeasured.kind == SEARCH and not unmeasured.search:
                        error = SPENT.format(budget_s)
                        self._write("cell", **unmeasured.cell._asdict(), error=error)
                return
            if job.kind == SEARCH:
                self._measure(search, job)
            else:
                self._follow_up(search, job)

    def _measure(self, search: CellSearch, job: Job) -> None:
        """Search the capacity of a cell, or record why it has none."""
        cell, begun = job.cell, self._now()
        names = {**cell._asdict(), "search": job.search}
        self._write("cell-start", **names, at=begun)
        result: dict[str, Any] = {}
        try:
            with self._services.start(cell.model, cell.python) as service:
                discovery = discover(service.url)
                if why := discovery.unavailable(cell.workload, cell.model):
                    result = {"unavailable": why}
                else:
                    result = search.measure(cell, service, discovery, partial(self._tell, names))
                result["warnings"] = list(discovery.runtime.get("warnings") or ())
        except (Untrustworthy, StartError, ServiceError, OSError) as error:
            log.warning("%s under %s: %s", cell.workload, cell.row, error)
            result = {"error": " ".join(str(error).split())}
            self._first_flaw = self._first_flaw or result["error"].rstrip(".")
        now = self._now()
        self._write("cell", **names, at=now, elapsed_s=now - begun, **result)

    def _follow_up(self, search: CellSearch, job: Job) -> None:
        """Prove the cause of a cell, or go beyond its peak."""
        names, result = job.cell._asdict(), typical(self._agenda.results(job.cell))
        if job.kind == PROOF:
            tell = partial(self._tell, names)
            self._write("proof", **names, **prove(search, self._services, job.cell, result, tell))
            return
        lab = partial(self._lab, job.cell, search.most)
        [line] = beyond({job.kind: self._options.beyond[job.kind]}, result, lab)
        self._write("beyond", **names, **line)

    def _lab(self, cell: Cell, most: float, peak: Peak) -> PeakLab:
        return PeakLab(self._services, cell, peak, self._options, most, self._source)

    def _tell(self, names: Mapping[str, Any], kind: Any, line: Mapping[str, Any]) -> None:
        self._write(kind, **{**line, **names})

    def _offer(self, rate: float) -> None:
        if self._watcher:
            self._watcher.offer(rate)
        self._show(rate)
