"""A server process of our own: started, observed from outside, and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import IO, Self

import psutil

from loadtests.errors import StartError
from loadtests.paths import ROOT
from loadtests.service.sampler import cpu_s, family, pss_mib
from loadtests.system.child import tied

GREETING = "loadbearing listening on "
START_S = 60.0
STOP_S = 20.0
LAST_LINES = 5  # of the output of a server that did not start: a message, or a traceback's end


@dataclass(frozen=True, slots=True)
class Usage:
    """The CPU seconds of the server's processes so far, and their memory now (Linux only)."""

    cpu_s: float
    pss_mib: float | None


class ServerProcess:
    """A `python -m server`; its errors go to the log, or else to the terminal.

    It runs in `directory`, where modules of the user are; a `server` there is not ours.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path | None = None,
        *,
        executable: str = sys.executable,
        directory: str | None = None,
        cores: int | None = None,
    ) -> None:
        """Start it on some cores, and wait until it listens.

        Raises StartError if it does not.
        """
        self._log = log
        self._errors: IO[bytes] | None = log.open("ab") if log else None
        self._said_before = log.stat().st_size if log else 0
        self._process = subprocess.Popen(  # noqa: S603 - our own server
            [executable, "-P", "-m", "server", *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": _with_root(os.environ.get("PYTHONPATH"))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the load test, which then stops its server
            preexec_fn=_first(cores),
        )
        try:
            self.url = self._greeting()
        except BaseException:  # Ctrl-C too, which may come while the server starts
            self.stop()
            raise

    def _greeting(self) -> str:
        out = self._process.stdout
        assert out is not None
        ready, _, _ = select([out], [], [], START_S)
        line = out.readline().decode() if ready else ""
        if not line.startswith(GREETING):
            raise StartError(f"the server did not start{self._reason(ended=bool(ready))}")
        return line.removeprefix(GREETING).strip()

    def _reason(self, *, ended: bool) -> str:
        if not self._log:
            return "; see above"
        if not ended:
            return f" within {START_S:.0f} s; see {self._log}"
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)  # it may still print the reason
        lines = self._log.read_bytes()[self._said_before :].decode(errors="replace").splitlines()
        if not lines:
            return f": it ended with exit code {self._process.returncode} and no message"
        return ":\n" + "\n".join(lines[-LAST_LINES:])

    @property
    def pid(self) -> int:
        return self._process.pid

    def family(self) -> list[psutil.Process]:
        """List the server and all processes below it; takes 10 ms."""
        with suppress(psutil.Error):
            return family(self.pid)
        return []

    def usage(self) -> Usage:
        """Sum over the server and all processes below it, those that have ended included."""
        processes = self.family()
        return Usage(cpu_s(processes), pss_mib(processes))

    def stop(self) -> None:
        """End it in order, or by force if it does not leave."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if self._errors:
            self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _with_root(path: str | None) -> str:
    """Put this checkout first, so that `server` is ours, wherever the process runs."""
    return os.pathsep.join((str(ROOT), *([path] if path else ())))


def _first(cores: int | None) -> Callable[[], None]:
    """What the server's process does before all else: an orphan would hold its port."""
    tie = tied()
    if sys.platform != "linux":
        return tie
    allowed = sorted(os.sched_getaffinity(0))[:cores]

    def first() -> None:
        tie()
        os.sched_setaffinity(0, allowed)

    return first
