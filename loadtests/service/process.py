"""Processes that a load test starts: observed from outside, and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from select import select
from typing import Self

import psutil

from loadtests.errors import StartError
from loadtests.paths import ROOT
from loadtests.service.options import without_settings
from loadtests.service.sampler import cpu_s, family, pss_mib
from loadtests.system.child import child

GREETING = "loadbearing listening on "
START_S = 60.0
STOP_S = 20.0
ITSELF = "python -m server: "  # what it calls itself, which the user has not run
LAST_LINES = 5  # of the output of a server that did not start: a message, or a traceback's end


@dataclass(frozen=True, slots=True)
class Usage:
    """The CPU seconds of the server's processes so far, and their memory now (Linux only)."""

    cpu_s: float
    pss_mib: float | None


class OwnProcess:
    """A service that we started: how to observe it from outside, and how to end it."""

    url: str
    pid: int
    _opened: ExitStack

    def family(self) -> list[psutil.Process]:
        """List its process and all below it; takes 10 ms."""
        with suppress(psutil.Error):
            return family(self.pid)
        return []

    def usage(self) -> Usage:
        """Sum over all its processes, those that have ended included."""
        processes = self.family()
        return Usage(cpu_s(processes), pss_mib(processes))

    def stop(self) -> None:
        """End it in order, or by force if it does not leave."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class OthersProcess(OwnProcess):
    """A service that somebody else has started here: it is observed, and goes on."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._opened = ExitStack()


class ServerProcess(OwnProcess):
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
        with ExitStack() as stack:  # ends what has begun if the rest fails, or at Ctrl-C
            errors = stack.enter_context(log.open("ab")) if log else None
            self._said_before = log.stat().st_size if log else 0
            self._process = stack.enter_context(
                child(
                    [executable, "-P", "-m", "server", *arguments],
                    stop_s=STOP_S,
                    before=confined(cores),
                    cwd=directory,
                    env={
                        **without_settings(os.environ),
                        "PYTHONPATH": _with_root(os.environ.get("PYTHONPATH")),
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,  # Ctrl-C is for the load test, which then stops it
                )
            )
            self.pid = self._process.pid
            self.url = self._greeting()
            self._opened = stack.pop_all()

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
        return ":\n" + "\n".join(line.removeprefix(ITSELF) for line in lines[-LAST_LINES:])


def _with_root(path: str | None) -> str:
    """Put this checkout first, so that `server` is ours, wherever the process runs."""
    return os.pathsep.join((str(ROOT), *([path] if path else ())))


def confined(cores: int | None) -> Callable[[], None] | None:
    """Return what confines the server's process to that many of our cores."""
    if sys.platform != "linux" or cores is None:
        return None
    return partial(os.sched_setaffinity, 0, sorted(os.sched_getaffinity(0))[:cores])
