"""The survival run as a Locust run: fresh servers for all rows of a workload, and rounds of trials.

Everything is appended to the run file as it happens, so whoever follows that file sees the run,
and a run that was interrupted goes on where its file ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from gevent import GreenletExit

from loadtests.cell import Cell
from loadtests.errors import RunFileError, ServiceError, StartError, WorkersGone
from loadtests.load.source import Source
from loadtests.machine.sentinel import Sentinel
from loadtests.run.beyond.lab import Peak, PeakLab
from loadtests.run.beyond.run import beyond
from loadtests.run.file.run_file import FILE_NAME, Kind, RunFile
from loadtests.run.guests import guests_of
from loadtests.run.options import Options
from loadtests.run.survival.agenda import AUTOPSY, PROOF, Job
from loadtests.run.survival.autopsy import autopsy
from loadtests.run.survival.guest_plan import guest_plan
from loadtests.run.survival.history import History
from loadtests.run.survival.plan import plan
from loadtests.run.survival.played import Played
from loadtests.run.survival.prove import prove
from loadtests.run.survival.row import Tools
from loadtests.run.survival.sizes import wanted
from loadtests.run.survival.workload import WorkloadRun
from loadtests.service.guest_launcher import GuestLauncher
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

    def offer(self, cell: Cell, rate: float) -> None: ...

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
        self._own = Launcher(options.servers, host, folder / "server.log")
        guests = guests_of(options)
        self._services = GuestLauncher(guests, folder) if guests else self._own
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
            tools = Tools(self._options, Sentinel(), self._source, most, self._offer)
            self._work(tools)
            code, reason = 0, ""
            if self._first_flaw and not self._agenda.measured:
                code = 3
                reason = f"no cell has a result that can be trusted: {self._first_flaw}; {ADVICE}"
        except (ServiceError, StartError, RunFileError) as error:
            code, reason = 2, str(error)
        except WorkersGone as error:
            reason = str(error)
        except GreenletExit:
            reason = "the run was stopped"
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
        if isinstance(self._services, GuestLauncher):
            line = guest_plan(self._options, self._services, self._own, self._source)
        else:
            line = plan(self._options, self._services, self._source)
        self._history.check(line)
        if self._agenda.plan:  # further sizes of a run that is resumed
            self._services.variations |= self._agenda.plan.variations
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
            self._history.update({"line": kind, **line})
            if self._watcher:
                self._watcher.look()

    def _work(self, tools: Tools) -> None:
        """Measure one workload after the other, then again what is unfinished; then what follows.

        No round begins once the budget is spent.
        """
        while left := self._agenda.unmeasured:
            workload, cells = next(iter(left.items()))
            if not self._goes_on():
                error = SPENT.format(self._options.budget_s)
                for cell in (cell for cells in left.values() for cell in cells):
                    self._write("cell", **cell._asdict(), state="unfinished", error=error)
                return
            self._measure(tools, workload, cells)
        for workload in self._agenda.workloads if self._options.size else ():
            self._size(tools, workload)
        for workload, cells in self._agenda.unfinished.items():
            if self._goes_on():
                self._measure(tools, workload, cells)
        for job in self._agenda.left:
            if not self._goes_on():
                return
            self._follow_up(tools, job)

    def _size(self, tools: Tools, workload: str) -> None:
        """Measure further sizes of a workload's rows, as long as they show more."""
        known = self._services.variations
        while self._goes_on() and (
            more := dict(wanted(self._options, self._agenda, known, workload))
        ):
            for variation in more.values():
                known[variation.label] = variation
                self._write("variation", **asdict(variation))
            self._measure(tools, workload, [*more])
            if not any(self._agenda.result(cell) for cell in more):
                return  # whatever is wrong, other sizes would not show it

    def _goes_on(self) -> bool:
        budget_s = self._options.budget_s
        return not budget_s or monotonic() - self._resumed <= budget_s

    def _measure(self, tools: Tools, workload: str, cells: Sequence[Cell]) -> None:
        """Measure cells of a workload, together with the best of those that are measured."""
        known = [(self._capacity(cell), cell) for cell in self._agenda.measured]
        best = [cell for rate, cell in sorted(known, reverse=True) if rate]
        best = [cell for cell in best if cell.workload == workload]
        played = self._history.played.setdefault(workload, Played())
        run = WorkloadRun(tools, self._services, workload, self._write, played, best=best)
        run.measure(cells, self._goes_on)
        self._first_flaw = self._first_flaw or run.flaw

    def _capacity(self, cell: Cell) -> float:
        """Return that of a cell; 0 where the generator was the limit."""
        line = self._agenda.result(cell)
        return float(line["interval"][0]) if line and line["state"] == "measured" else 0.0

    def _follow_up(self, tools: Tools, job: Job) -> None:
        """Prove the cause of a cell, find the line behind it, or go beyond its peak."""
        names, result = job.cell._asdict(), self._agenda.result(job.cell)
        if result is None:
            return
        if job.kind == PROOF:
            tell = partial(self._tell, names)
            self._write("proof", **names, **prove(tools, self._services, job.cell, result, tell))
            return
        if job.kind == AUTOPSY:
            self._write("autopsy", **names, **autopsy(tools, self._services, job.cell, result))
            return
        lab = partial(self._lab, tools, job.cell)
        [line] = beyond({job.kind: self._options.beyond[job.kind]}, result, lab)
        self._write("beyond", **names, **line)

    def _lab(self, tools: Tools, cell: Cell, peak: Peak) -> PeakLab:
        return PeakLab(
            self._services, cell, peak, self._options, tools.most, self._source, tools.sentinel
        )

    def _tell(self, names: Mapping[str, Any], kind: Any, line: Mapping[str, Any]) -> None:
        self._write(kind, **{**line, **names})

    def _offer(self, cell: Cell, rate: float) -> None:
        if self._watcher:
            self._watcher.offer(cell, rate)
        self._show(rate)
