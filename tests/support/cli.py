"""Commands of the load tests as people run them: to their end, or until Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from loadtests.system.child import tied
from tests.support.server_process import PATIENCE_S, ROOT

LONG_S = 180  # for a survival run, which measures for half a minute, and again what is unfinished

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def run(*words: str, directory: Path = ROOT, **variables: str) -> Ended:
    """Run `python -m` with these words until it ends, in a folder as the scripts do."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", *words],
        cwd=directory,
        env=_environment() | variables,
        stdin=subprocess.DEVNULL,
        preexec_fn=tied(),
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


class Begun:
    """A command that goes on until somebody presses Ctrl-C."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self._process = process
        self._out, self._err = out, err

    def out(self) -> str:
        return self._out.read_text()

    def err(self) -> str:
        return self._err.read_text()

    def below(self) -> list[psutil.Process]:
        """List all processes that it has started, directly or not."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def press_ctrl_c(self) -> int:
        """Interrupt it, and return its exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(PATIENCE_S)


@contextmanager
def begun(folder: Path, *words: str, directory: Path = ROOT) -> Iterator[Begun]:
    """Start `python -m` with these words in a folder; another `folder` takes what it says."""
    out, err = folder / "out", folder / "err"
    with (
        out.open("wb") as stdout,
        err.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-P", "-m", *words],
            cwd=directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=tied(),
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Begun(process, out, err)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def quiet(ended: Ended) -> None:
    """Skip the test where the machine was too busy for a measurement to prove anything."""
    excuse = re.search(r" is unfinished: .*", ended.out)
    if ended.code == 3 or excuse:
        pytest.skip(f"too busy here to measure: {excuse[0] if excuse else ended.out[-400:]}")


def soon(look: Callable[[], Item | None], patience_s: float = PATIENCE_S) -> Item:
    """Look again and again until there is something, but not for ever."""
    deadline = time.monotonic() + patience_s
    while not (item := look()):
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.02)
    return item


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them have ended; zombies count as ended."""

    def alive(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return not any(map(alive, processes))


def free_port() -> int:
    """Find a port for a program that cannot tell which one it picks."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    # Wide, so that no sentence is wrapped.
    return {**os.environ, "COLUMNS": "400", "PYTHONPATH": str(ROOT)}
