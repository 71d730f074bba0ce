"""Run a measurement in another process, and show it through the run file that it writes.

The measuring process runs under gevent, and importing Locust monkey-patches it, so it is never the
process of the command itself.
"""

from __future__ import annotations

import atexit
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from shlex import quote
from time import monotonic, sleep
from typing import Protocol

from rich.console import Console

from loadtests.errors import MeasurementGone, ServiceError
from loadtests.paths import ROOT
from loadtests.run.file.folders import claimed, discard, folder_of
from loadtests.run.file.lines import Line
from loadtests.run.file.run_file import FILE_NAME, Tail
from loadtests.system.child import child
from loadtests.system.program import script
from loadtests.system.streams import tell

INTERRUPTED = 130
USAGE = 2
GONE = 3
LEAST_FREE = 1 << 16  # bytes; with less, a log cannot even say that the disk is full
OURS = re.compile(r"^ERROR:loadbearing:(.*?)(?=^[A-Z]+:[\w.]+:|\Z)", re.MULTILINE | re.DOTALL)
NOT_AGAIN = {"end", "prediction"}  # of a resumed run: rounds that were cut off begin anew
LOOK_S = 0.2
STOP_S = 30.0


class Screen(Protocol):
    """Shows a run while it is in progress."""

    def update(self, line: Line) -> None: ...

    def live(self, clock: Callable[[], float]) -> AbstractContextManager[object]: ...


def follow(
    command: Sequence[str],
    log: Path,
    update: Callable[[Line], None],
    live: AbstractContextManager[object],
    claim: int | None = None,
) -> Line:
    """Run a command that writes a run file beside its log; show each line, return the last.

    The process inherits the `claim` on the folder. Raises ServiceError if it refuses to begin, and
    MeasurementGone if it ends in another way without a last line.
    """
    tail = Tail(log.parent / FILE_NAME)
    for line in tail.read():  # of a run that is resumed
        if line["line"] not in NOT_AGAIN:
            update(line)
    last: Line | None = None
    try:
        with (
            log.open("wb") as output,
            child(
                command,
                stop_s=STOP_S,
                cwd=ROOT,  # where `loadtests` and its locustfile are found
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[] if claim is None else [claim],
            ) as process,
            live,
        ):
            last = _last_line(process, tail, update, log)
    except KeyboardInterrupt:
        if last is None:  # else it has written all, and only its end was cut short
            raise
    return last


def _last_line(
    process: subprocess.Popen[bytes], tail: Tail, update: Callable[[Line], None], log: Path
) -> Line:
    while True:
        over = process.poll() is not None  # before the last look at the file
        for line in tail.read():
            update(line)
            if line["line"] == "end":
                if line["exit"] == USAGE:
                    raise ServiceError(line["reason"])
                return line
        if process.returncode == USAGE:
            raise ServiceError(_refusal(log))
        if over:
            raise MeasurementGone(f"the load generator ended during the run; {_why(log)}")
        sleep(LOOK_S)


def measured(  # noqa: PLR0913 - where to, what to run, and what shows it
    output: Path | None,
    log: str,
    screen_on: Callable[[Console], Screen],
    command: Callable[[Path], Sequence[str]],
    *,
    resumable: Callable[[Path], None],
    console: Console,
) -> tuple[Path, int] | None:
    """Run a measurement into a folder and show it; returns the folder and the exit code.

    None if it was stopped before anything was measured. Raises ServiceError for wrong usage, and
    RunFileError if another run uses the folder. `resumable` is passed to `folder_of`.
    """
    folder, made = folder_of(output, resumable)
    until_exit = ExitStack()  # the caller goes on to write the report
    atexit.register(until_exit.close)
    try:
        claim = until_exit.enter_context(claimed(folder))
    except KeyboardInterrupt:
        return None
    again = f" (to resume: {script('survive')} --retry {quote(str(folder))})"
    begun_at = monotonic()
    screen = screen_on(console)
    try:
        live = screen.live(lambda: monotonic() - begun_at)
        ended = follow(command(folder.resolve()), folder / log, screen.update, live, claim)
    except KeyboardInterrupt:
        if not _begun(folder):
            console.print("Stopped before anything was measured.")
            return None
        message = f"Stopped. These are the results so far{again}:"
        console.print(message, soft_wrap=True, markup=False, highlight=False)
        ended = {"exit": INTERRUPTED}
    except MeasurementGone as error:
        if not _begun(folder):
            raise
        tell(f"{error}. These are the results so far{again}:")
        ended = {"exit": GONE}
    except ServiceError:
        if made:
            discard(folder)  # nothing was measured
        raise
    return folder, int(ended["exit"])


def _why(log: Path) -> str:
    if shutil.disk_usage(log.parent).free < LEAST_FREE:
        return f"no space is left on the disk of {log.parent}; make room there"
    return _last_error(log) or f"see {log}"


def _refusal(log: Path) -> str:
    return _last_error(log) or f"the load generator did not start; see {log}"


def _last_error(log: Path) -> str:
    """Return the last message that our own code logged; it may have several lines."""
    messages = OURS.findall(log.read_text(encoding="utf-8", errors="replace"))
    return messages[-1].strip() if messages else ""


def _begun(folder: Path) -> bool:
    """Whether a run in this folder has written its first line."""
    lines = Tail(folder / FILE_NAME).read()
    return bool(lines) and lines[0]["line"] == "run"
