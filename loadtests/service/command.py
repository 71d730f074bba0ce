"""A service that a command of the user starts: on a free port, until it answers as it should."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep

import psutil

from loadtests.errors import StartError
from loadtests.paths import ROOT
from loadtests.service.options import without_settings
from loadtests.service.process import OwnProcess, confined
from loadtests.system.child import child
from loadtests.system.keeper import kept

STOP_S = 5.0
CERTAIN_S = 3.0  # after its first answer: a service that still answers wrongly will go on so
LOOK_S = 0.05
TRIES = 3  # ports, each of which another program may have taken meanwhile
LAST_LINES = 5
LOCAL = "127.0.0.1"
TAKEN = ("address already in use", "address in use", "errno 98", "eaddrinuse", "errno 48")
NOT_YET = 503  # the status of a service that is still starting
OURS = ("LOADTESTS_SCRIPT",)

# Gives None once a service at a URL answers a request as it should, or else its status and a few
# words, e.g. 500 and "answers GET /orders with 500". Raises OSError if nothing answers.
Ready = Callable[[str], tuple[int, str] | None]


class CommandProcess(OwnProcess):
    """A command with `{port}`, run without a shell; what it prints goes to the log."""

    def __init__(  # noqa: PLR0913 - a command, and how it is run
        self,
        name: str,
        words: Sequence[str],
        ready: Ready,
        log: Path,
        *,
        directory: str | None = None,
        cores: int | None = None,
        start_s: float,
    ) -> None:
        """Start it on some cores, and wait until it answers. Raises StartError if it does not."""
        self._name = name
        self._words = words
        self._log = log
        self._directory = directory
        self._cores = cores
        for last in range(TRIES - 1, -1, -1):
            self._log_from = log.stat().st_size if log.exists() else 0
            try:
                with ExitStack() as stack:  # ends what has begun if the rest fails, or at Ctrl-C
                    self._begin(stack)
                    self._wait(ready, start_s)
                    self._opened = stack.pop_all()
                    return
            except StartError:
                if not last or not self._was_taken():
                    raise

    def _begin(self, stack: ExitStack) -> None:
        port = free_port()
        self.url = f"http://{LOCAL}:{port}"
        words = [word.replace("{port}", str(port)) for word in self._words]
        out = stack.enter_context(self._log.open("ab"))
        self._process = stack.enter_context(
            child(
                kept(words, STOP_S),
                stop_s=2 * STOP_S,
                before=confined(self._cores),
                cwd=self._directory,
                env={**environment(os.environ), "PORT": str(port)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                start_new_session=True,  # Ctrl-C is for the load test, which then stops it
            )
        )
        assert self._process.stdout
        line = self._process.stdout.readline().decode().strip()
        if not line.isdecimal():
            raise StartError(f"{self._name} did not start: {words[0]}: {line or 'no reason given'}")
        self.pid = int(line)

    def _wait(self, ready: Ready, start_s: float) -> None:
        begun, answered, state = monotonic(), None, "its port never opened"
        while monotonic() < begun + start_s:
            if (code := self._process.poll()) is not None:
                raise self._failed(_ended(code))
            with suppress(OSError):
                if (wrong := ready(self.url)) is None:
                    return
                status, state = wrong
                answered = answered or monotonic()
                if status != NOT_YET and monotonic() > answered + CERTAIN_S:
                    raise self._failed(state)
            if answered is None and self._listens():
                state = "its port is open, but nothing answers"
            sleep(LOOK_S)
        raise self._failed(f"{state}, for {start_s:g} s")

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection((LOCAL, self.port), LOOK_S):
            return True
        return False

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def family(self) -> list[psutil.Process]:
        """List all processes that the command has started, daemons too; takes 10 ms."""
        with suppress(psutil.Error):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def _failed(self, why: str) -> StartError:
        lines = self._lines()
        end = ":\n" + "\n".join(lines[-LAST_LINES:]) if lines else "; it printed nothing"
        return StartError(f"{self._name} did not start: {why}{end}")

    def _lines(self) -> list[str]:
        with suppress(OSError), self._log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode(errors="replace").splitlines()
        return []

    def _was_taken(self) -> bool:
        text = "\n".join(self._lines()).lower()
        return any(sign in text for sign in TAKEN)


def _ended(code: int) -> str:
    if code == 0:
        return "it ended at once (exit code 0); a command has to stay in the foreground"
    return f"it died with {f'signal {code - 128}' if code > 128 else f'exit code {code}'}"


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.create_server((LOCAL, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that the user had: without what our scripts have added to it."""
    kept_path = os.pathsep.join(_without_root(variables.get("PYTHONPATH", "")))
    rest = {name: value for name, value in without_settings(variables).items() if name not in OURS}
    rest.pop("PYTHONPATH", None)
    return {**rest, **({"PYTHONPATH": kept_path} if kept_path else {})}


def _without_root(path: str) -> Iterator[str]:
    return (folder for folder in path.split(os.pathsep) if folder and folder != str(ROOT))


def missing_program(program: str, directory: str) -> str | None:
    """Return the name of a program if there is none, seen from a folder."""
    where = Path(directory, program) if "/" in program else None
    return None if shutil.which(where or program) else program
