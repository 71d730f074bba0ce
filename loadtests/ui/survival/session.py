"""The survival runs of one UI: one at a time, each in its own folder, each with a report.

A report takes seconds of CPU time, so another process writes it after the run. The next run waits
for it, because it would disturb the measurement.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from gevent import GreenletExit
from gevent.lock import BoundedSemaphore
from locust.env import Environment

from loadtests.errors import RunFileError
from loadtests.paths import ROOT
from loadtests.run.file.folders import RESULTS, discard, link_latest, new_folder
from loadtests.run.options import Options
from loadtests.system.child import child
from loadtests.system.program import script
from loadtests.ui.survival.progress import RunProgress

Phase = Literal["idle", "waiting", "measuring", "stopping", "writing", "over", "stopped", "failed"]
TOO_SOON = "the run was stopped before anything was measured"
PATIENCE_S = 120.0  # for a report
STOP_S = 5.0
UNKNOWN = "the run ended unexpectedly; see the log"

log = logging.getLogger("loadbearing")


@cache
def session_of(environment: Environment) -> Session:
    """Return the only session of a UI."""
    session = Session()
    environment.events.quitting.add_listener(lambda **_: session.quit())
    return session


class Session:
    """What the Survival tab shows: the current run, or else the last one."""

    def __init__(self) -> None:
        self.phase: Phase = "idle"
        self.reason = ""
        self.watch: RunProgress | None = None
        self.summary: dict[str, Any] = {}  # as it was written
        self._last: Path | None = None  # the folder that is reported
        self._named: set[Path] = set()
        self._turn = BoundedSemaphore(1)
        self._writer: subprocess.Popen[bytes] | None = None  # of a report
        self._quits = False

    @property
    def folder(self) -> Path | None:
        """The folder with the results of the current run, or else of the last one."""
        now = self.watch.folder if self.watch else None
        return now if now and now.exists() else self._last

    def choose(self, options: Options) -> Path:
        """Create the folder of the next run; a folder named by --output is for the first."""
        named = Path(options.output).resolve() if options.output else None
        if named is None or named in self._named:
            return new_folder((options.servers.folder / RESULTS).resolve(), datetime.now(UTC))
        self._named.add(named)
        named.mkdir(parents=True, exist_ok=True)
        return named

    @contextmanager
    def turn(self, folder: Path) -> Iterator[RunProgress]:
        """Wait for the previous run, watch the one within the block, and report it."""
        self.phase, self.reason = "waiting", ""
        try:
            self._turn.acquire()
        except BaseException:
            self.reject(TOO_SOON, "stopped", folder)
            raise
        watch, stopped = RunProgress(folder, monotonic), False
        self.watch, self.summary, self.phase = watch, {}, "measuring"
        try:
            yield watch
        except RunFileError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            watch.over(2, str(error))
        except GreenletExit:
            stopped = True
            raise
        finally:
            try:
                self._close(watch, stopped=stopped)
            finally:
                self._turn.release()

    def reject(self, reason: str, phase: Phase = "failed", folder: Path | None = None) -> None:
        """Show why a run has not begun; remove its folder if we created it."""
        if folder and folder not in self._named and folder.exists():
            discard(folder)
        self.watch, self.summary = None, {}
        self.phase, self.reason = phase, reason

    def stopping(self) -> None:
        """Show that Stop was pressed; the run ends when its server has."""
        if self.phase == "measuring":
            self.phase = "stopping"

    def quit(self) -> None:
        """Write no more reports, and stop the current one, because Locust is ending."""
        self._quits = True
        if self._writer is not None:
            with suppress(ProcessLookupError):
                self._writer.terminate()

    def _close(self, watch: RunProgress, *, stopped: bool) -> None:
        """Report the results, and how the run ended."""
        watch.look()
        code = watch.end.exit if watch.end else 3
        reason = (watch.end.reason if watch.end else UNKNOWN) or ""
        if watch.run is None or code == 2:
            end: Phase = "stopped" if stopped else "failed"
            self.reject(TOO_SOON if stopped else reason, end, watch.folder)
            return
        self._last, self.phase = watch.folder, "writing"
        problem = self._report(watch.folder) or self._published(watch.folder)
        if self.watch is watch:  # else the tab shows why the next one did not start
            self.phase = "stopped" if stopped else "failed" if code else "over"
            self.reason = "; ".join(filter(None, ("" if stopped else reason, problem)))
        log.info("the survival run is finished; its results are in %s", watch.folder)

    def _report(self, folder: Path) -> str:
        """Write all files of a run in another process; returns the error, or an empty string."""
        again = f"{script('report')} {folder}"
        if self._quits:
            return f"no report was written; to write it: {again}"
        stderr = b""
        with child(
            [sys.executable, "-m", "loadtests", "report", str(folder)],
            stop_s=STOP_S,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            self._writer = process
            with suppress(subprocess.TimeoutExpired):
                _, stderr = process.communicate(timeout=PATIENCE_S)
        if not process.returncode:
            return ""
        reason = "".join(
            f" ({line})" for line in stderr.decode(errors="replace").strip().splitlines()[-1:]
        )
        return f"the report could not be written{reason}; try {again}"

    def _published(self, folder: Path) -> str:
        """Read the summary that was written; returns the error, if any."""
        try:
            self.summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            link_latest(folder)
        except (OSError, ValueError, RunFileError) as error:
            return str(error)
        return ""
