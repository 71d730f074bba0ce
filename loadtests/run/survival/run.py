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
from loadtests.run.survival.agenda import PROOF, rounds
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
    """Who sees a run in the process that measures: told of lines, trials, and how it ended."""

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
        self._history = History.of(folder)
        self._folder = folder
        self._watcher = watcher
        self._file: RunFile | None = None
        self._resumed = monotonic()
        self._born = self._resumed - self._history.at
        self._first_flaw = ""
        self._found: dict[Cell, list[Mapping[str, Any]]] = {}

    def run(self) -> int:
        """Search every cell; returns the exit code of DESIGN: 0 done, 2 usage, 3 no result."""
        code, reason = 3, "the run ended before it was over"
        try:
            cells, most = self._plan()
            with Sentinel() as sentinel:
                tools = Tools(self._options, sentinel, self._offer)
                bearing = CellSearch(tools, most, self._source)
                order = rounds(cells, self._options.searches, self._options.seed)
                measured = [self._whole(bearing, *one) for one in order]
            code, reason = 0, ""
            if self._first_flaw and not any(measured):
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

    def _plan(self) -> tuple[list[Cell], float]:
        """Find out what to measure; write the first line, or that the run goes on.

        A file that holds another run is left as it is: nothing is written before it was checked.
        """
        cells, line = plan(self._options, self._services, self._source)
        self._history.check(line, self._folder)
        self._file = RunFile(self._folder / FILE_NAME)
        if self._history.begun is None:
            self._file.append("run", **line)
        else:
            self._write("resumed", started=line["started"], options=line["options"])
        return cells, line["generator_ceiling"]

    def _write(self, kind: Kind, /, **fields: object) -> None:
        if self._file:
            self._file.append(kind, **{"at": self._now(), **fields})
            if self._watcher:
                self._watcher.look()

    def _whole(self, bearing: CellSearch, cell: Cell, search: int) -> bool:
        """Search one cell, and then what else is asked for; tells whether there is a result."""
        said = self._history.searched.get((cell, search)) or self._cell(bearing, cell, search)
        if said and "held" in said:
            whole = {**said, **cell._asdict(), "search": search}
            self._found.setdefault(cell, []).append(whole)
        if search == self._options.searches - 1 and not self._spent and cell in self._found:
            self._after(bearing, cell, typical(self._found[cell]))
        return said is not None and "held" in said

    @property
    def _spent(self) -> bool:
        budget_s = self._options.budget_s
        return bool(budget_s) and monotonic() - self._resumed > budget_s

    def _after(self, bearing: CellSearch, cell: Cell, said: Mapping[str, Any]) -> None:
        """Prove the cause, and go beyond the peak; what the file has already is left out."""
        done = {kind for other, kind in self._history.after if other == cell}
        if self._options.prove and PROOF not in done and said.get("cause"):
            proof = prove(bearing, self._services, cell, said, partial(self._tell, cell._asdict()))
            self._write("proof", **cell._asdict(), **proof)
        bench = partial(self._bench, cell, bearing.most)
        left = {kind: s for kind, s in self._options.beyond.items() if kind not in done}
        for line in beyond(left, said, bench):
            self._write("beyond", **cell._asdict(), **line)

    def _bench(self, cell: Cell, most: float, peak: Peak) -> PeakLab:
        return PeakLab(self._services, cell, peak, self._options, most, self._source)

    def _cell(self, bearing: CellSearch, cell: Cell, search: int) -> dict[str, Any] | None:
        """Measure one cell, or record why it is unavailable. None if the budget is spent."""
        if self._spent:
            if not search:
                spent = SPENT.format(self._options.budget_s)
                self._write("cell", **cell._asdict(), error=spent)
            return None
        begun, names = self._now(), {**cell._asdict(), "search": search}
        self._write("cell-start", **names, at=begun)
        said: dict[str, Any] = {}
        try:
            with self._services.start(cell.model, cell.python) as service:
                found = discover(service.url)
                why = found.unavailable(cell.workload, cell.model)
                tell = partial(self._tell, names)
                said = {"unavailable": why} if why else bearing.measure(cell, service, found, tell)
                said["warnings"] = list(found.runtime.get("warnings") or ())
        except (Untrustworthy, StartError, ServiceError, OSError) as error:
            log.warning("%s under %s: %s", cell.workload, cell.row, error)
            said = {"error": " ".join(str(error).split())}
            self._first_flaw = self._first_flaw or said["error"].rstrip(".")
        now = self._now()
        self._write("cell", **names, at=now, elapsed_s=now - begun, **said)
        return said

    def _tell(self, names: Mapping[str, Any], kind: Any, said: Mapping[str, Any]) -> None:
        self._write(kind, **names, **said)

    def _offer(self, rate: float) -> None:
        if self._watcher:
            self._watcher.offer(rate)
        self._show(rate)
