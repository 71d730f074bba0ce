"""Measure the cells of one workload together: their services are up at once, and take turns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import gevent

from loadtests.capacity.estimate import Range
from loadtests.capacity.rounds import Offer
from loadtests.cell import Cell
from loadtests.errors import LoadTestError, ServiceError, StartError, Untrustworthy
from loadtests.load.schedule import TrialLength
from loadtests.run.file.cells import NOT_MEASURED
from loadtests.run.survival.contest import Contest, rounded
from loadtests.run.survival.played import Played
from loadtests.run.survival.prove import remedied
from loadtests.run.survival.row import Row, Tools
from loadtests.service.guest_launcher import AnyLauncher
from loadtests.service.launcher import RunningService

ABREAST = 8  # rows whose services are up at once; more take turns in parts with a row in common
AT_LOAD = TrialLength(settle_s=0.4, duration_s=3.0)  # of a trial at the user's load
NEAR = 0.5  # of that load: what sustains less would only show an overload
LOAD_ROUND = 0  # the number of such trials, which are in no round
FAILURES = (Untrustworthy, StartError, ServiceError, OSError)

log = logging.getLogger("loadbearing")

Write = Callable[..., None]  # the kind of a line of the run file, and its fields
GoesOn = Callable[[], bool]


class WorkloadRun:
    """Measures cells of one workload; `write` appends lines to the run file.

    `played` are the rounds of the workload so far, `best` its measured cells, the best first:
    the first of them takes part again if only some of its rows are measured.
    """

    def __init__(  # noqa: PLR0913 - a workload, how it is measured, and what is known of it
        self,
        tools: Tools,
        services: AnyLauncher,
        workload: str,
        write: Write,
        played: Played,
        *,
        best: Sequence[Cell] = (),
    ) -> None:
        self._tools = tools
        self._services = services
        self._workload = workload
        self._write = write
        self._played = played
        self._best = list(best)
        self.flaw = ""  # of the first cell without a result

    def measure(self, cells: Sequence[Cell], goes_on: GoesOn) -> None:
        """Measure the cells, as long as `goes_on` says so."""
        self._write("workload-start", workload=self._workload, rows=[cell.row for cell in cells])
        parts = -(-len(cells) // ABREAST)
        for number in range(parts):
            part = cells[number::parts]
            common = [cell for cell in self._best[:1] if cell not in part]
            if goes_on():
                self._measure(part, common, goes_on)

    def _measure(self, cells: Sequence[Cell], common: Sequence[Cell], goes_on: GoesOn) -> None:
        with ExitStack() as opened:
            rows: dict[str, Row] = {}
            for cell, service in self._started([*common, *cells], opened):
                if row := self._row(cell, service, opened):
                    rows[row.name] = row
            if not {row.cell for row in rows.values()} - {*common}:
                return
            again = dict(self._twin(rows, opened))
            contest = Contest(self._tools, rows, self._played.before, self._played.last + 1)
            standing = partial(self._standing, contest, again)
            contest.play(goes_on, standing)
            measured = [row for row in rows.values() if row.name not in again]
            self._at_load([row for row in measured if row.cell not in common], contest, goes_on)
            for row in measured:
                if row.cell not in common:
                    self._result(row, contest)
            standing()
            lead = contest.rounds.estimates.best
            self._best = [rows[lead].cell] if lead in rows else self._best

    def _started(
        self, cells: Sequence[Cell], opened: ExitStack
    ) -> Iterator[tuple[Cell, RunningService | LoadTestError | OSError]]:
        """Start all services at the same time; what did not start then tries again alone."""

        def start(cell: Cell) -> RunningService | LoadTestError | OSError:
            try:
                return opened.enter_context(self._services.start(cell.model, cell.variant))
            except FAILURES as error:
                return error

        waiting = [gevent.spawn(start, cell) for cell in cells]
        try:
            gevent.joinall(waiting)
        finally:
            gevent.killall(waiting)
        for cell, greenlet in zip(cells, waiting, strict=True):
            yield cell, greenlet.value if isinstance(greenlet.value, tuple) else start(cell)

    def _row(
        self, cell: Cell, service: RunningService | LoadTestError | OSError, opened: ExitStack
    ) -> Row | None:
        """Prepare a cell, or record why it has no result."""
        warnings: list[str] = []
        try:
            if not isinstance(service, RunningService):
                raise service
            discovery = service.discovery
            warnings = discovery.warnings
            if why := discovery.unavailable(cell.workload, cell.model):
                self._end(cell, state="unavailable", unavailable=why, warnings=warnings)
                return None
            return self._prepared(cell, service, opened)
        except FAILURES as error:
            self._fail(cell, error, warnings=warnings)
        return None

    def _prepared(
        self,
        cell: Cell,
        service: RunningService,
        opened: ExitStack,
        *,
        again: str = "",
    ) -> Row:
        tell = partial(self._tell, cell)
        before = () if again else self._played.trials(cell.row)
        row = Row(self._tools, cell, service, tell, before=before, again=again)
        return opened.enter_context(closing(row))

    def _twin(self, rows: dict[str, Row], opened: ExitStack) -> Iterator[tuple[str, str]]:
        """Measure a row a second time under another name; yields both names.

        It is the one that should sustain most of those that the generator can load.
        """
        known = [(row.prediction.capacity, n) for n, row in rows.items() if row.prediction]
        within = [(rate, name) for rate, name in known if 0 < rate < self._tools.most]
        if not self._tools.options.again or not within or len(rows) >= ABREAST:
            return
        _, name = max(within)
        cell = rows[name].cell
        for _, service in self._started([cell], opened):
            try:
                if not isinstance(service, RunningService):
                    raise service
                twin = self._prepared(cell, service, opened, again="again")
            except FAILURES as error:
                log.warning("%s under %s, again: %s", cell.workload, cell.row, error)
                return
            rows[twin.name] = twin
            yield twin.name, name

    def _standing(self, contest: Contest, again: Mapping[str, str]) -> None:
        standing = contest.standing(self._workload, again)
        fields = {name: getattr(standing, name) for name in standing.__slots__ if name != "at"}
        self._write("standing", **fields)

    def _at_load(self, rows: Sequence[Row], contest: Contest, goes_on: GoesOn) -> None:
        """Run one trial of each row at the user's load, unless the row can hardly sustain it."""
        rate, rounds = self._tools.options.at_load, contest.rounds
        if rate > self._tools.most:
            log.warning("the generator offers no more than %.0f/s: no trial at %g/s",
                        self._tools.most, rate)  # fmt: skip
        if not 0 < rate <= self._tools.most:
            return
        for row in rows:
            known, most = rounds.estimates.rows.get(row.name), rounds.limits.get(row.name, 0.0)
            capacity = known.capacity if known else Range(most, most, most)
            if goes_on() and (capacity.high >= rate or capacity.low >= rate * NEAR):
                others = [other for other in contest.rows if other is not row]
                row.trial(Offer(row.name, rate, AT_LOAD), LOAD_ROUND, others, load=True)

    def _result(self, row: Row, contest: Contest) -> None:
        """Write what is known of a cell now that its rounds are over."""
        rounds, report = contest.rounds, row.report()
        known, failed = rounds.estimates.rows.get(row.name), row.lowest_failed
        figures: dict[str, Any]
        if (most := rounds.limits.get(row.name)) is not None:
            figures = {"state": "at generator limit", "interval": (most, most, None)}
        elif row.name in rounds.idle:
            figures = {"state": "measured", "interval": (0.0, 0.0, failed or 1.0)}
        elif known:
            figures = {
                "state": "measured",
                "interval": rounded(known.capacity),
                "utilisation": round(known.utilisation, 4),
                "demand_s": known.demand_s,
                "goals": contest.goals(row.name),
            }
        else:
            why = row.flaw or "its rounds ended before it had enough valid trials"
            self._fail(row.cell, Untrustworthy(why), **report)
            return
        figures["remedy"] = remedied(self._tools.options, row.cell, {**report, **figures})
        played = sum(any(s.row == row.name for s in turn) for turn in rounds.played)
        self._end(
            row.cell,
            rounds=played,
            witness=contest.witnesses(row.name),
            warnings=row.warnings,
            **report,
            **figures,
        )

    def _fail(self, cell: Cell, error: Exception, **fields: Any) -> None:
        log.warning("%s under %s: %s", cell.workload, cell.row, error)
        why = " ".join(str(error).split()) or NOT_MEASURED
        self.flaw = self.flaw or why.rstrip(".")
        self._end(cell, state="unfinished", error=why, **fields)

    def _end(self, cell: Cell, **fields: Any) -> None:
        self._write("cell", **cell._asdict(), **fields)

    def _tell(self, cell: Cell, kind: str, line: Mapping[str, Any]) -> None:
        self._write(kind, **{**line, **cell._asdict()})
