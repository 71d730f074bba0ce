"""Follow a measurement that runs in a process of its own, through the run file that it writes.

What measures is served by gevent, and Locust patches the process that imports it: so it never is
the one that a person started.
"""

from __future__ import annotations

import atexit
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol

from rich.console import Console

from loadtests.errors import MeasurementGone, ServiceError
from loadtests.load.distributed.processes import sweep
from loadtests.paths import ROOT
from loadtests.report.console import console_for
from loadtests.run.file.folder_lock import claimed
from loadtests.run.file.folders import discard, folder_of
from loadtests.run.file.lines import Line
from loadtests.run.file.run_file import FILE_NAME, Tail
from loadtests.system.child import tied
from loadtests.system.streams import tell

INTERRUPTED = 130
USAGE = 2
GONE = 3
LEAST_FREE = 1 << 16  # bytes, without which a log has no room to say so
OURS = re.compile(r"^ERROR:loadbearing:(.*?)(?=^[A-Z]+:[\w.]+:|\Z)", re.MULTILINE | re.DOTALL)
LOOK_S = 0.2
STOP_S = 30.0


class Screen(Protocol):
    """What shows a run while it goes on."""

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

    It inherits the `claim` on the folder. Raises ServiceError when it refuses to begin,
    GeneratorGone when it ends otherwise without a last line.
    """
    tail = Tail(log.parent / FILE_NAME)
    for line in tail.read():  # of a run that goes on, which may have ended before
        if line["line"] != "end":
            update(line)
    with _process(command, log, claim) as process, live:
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
                raise MeasurementGone(f"the load generator ended before its run; {_why(log)}")
            sleep(LOOK_S)


def measured(  # noqa: PLR0913 - where to, what to run, and what shows it
    output: Path | None,
    log: str,
    screen_on: Callable[[Console], Screen],
    command: Callable[[Path], Sequence[str]],
    *,
    resumable: Callable[[Path], None] | None = None,
    console: Console | None = None,
) -> tuple[Path, int] | None:
    """Run what measures into a folder and show it; gives the folder and the exit code.

    None if it was stopped before anything was measured. Raises ServiceError for wrong usage, and
    RunFileError where another run has the folder. `resumable` is what `folder_of` asks.
    """
    folder, made = folder_of(output, resumable)
    until_exit = ExitStack()  # who calls this goes on to write the report
    atexit.register(until_exit.close)
    try:
        claim = until_exit.enter_context(claimed(folder))
    except KeyboardInterrupt:
        return None
    console, born = console or console_for(), monotonic()
    screen = screen_on(console)
    try:
        live = screen.live(lambda: monotonic() - born)
        ended = follow(command(folder.resolve()), folder / log, screen.update, live, claim)
    except KeyboardInterrupt:
        if not _begun(folder):
            console.print("Stopped before anything was measured.")
            return None
        again = f" (with --output {folder}, the same command goes on)" if resumable else ""
        said = f"Stopped. This is what was measured until then{again}:"
        console.print(said, soft_wrap=True, markup=False, highlight=False)
        ended = {"exit": INTERRUPTED}
    except MeasurementGone as error:
        if not _begun(folder):
            raise
        tell(f"{error}. This is what was measured until then:")
        ended = {"exit": GONE}
    except ServiceError:
        if made:
            discard(folder)  # nothing was measured
        raise
    return folder, int(ended["exit"])


def _why(log: Path) -> str:
    if shutil.disk_usage(log.parent).free < LEAST_FREE:
        return f"there is no space left on the disk that has {log.parent}"
    return f"see {log}"


def _refusal(log: Path) -> str:
    """Why nothing was begun: the last thing that our own code has logged, of several lines even."""
    said = OURS.findall(log.read_text(encoding="utf-8", errors="replace"))
    return said[-1].strip() if said else f"the load generator did not begin; see {log}"


def _begun(folder: Path) -> bool:
    """Whether a run in this folder has written its first line."""
    lines = Tail(folder / FILE_NAME).read()
    return bool(lines) and lines[0]["line"] == "run"


@contextmanager
def _process(
    command: Sequence[str], log: Path, claim: int | None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=ROOT,  # where `loadtests` and its locustfile are found
            stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True, preexec_fn=tied(),
            pass_fds=[] if claim is None else [claim],
        )  # fmt: skip
        try:
            yield process
        finally:
            try:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                process.wait(STOP_S)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):  # or a second Ctrl-C: at once
                process.kill()
            sweep(process)
