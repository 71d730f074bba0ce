"""Nothing measures on when its command has ended: by a closed terminal, SIGQUIT, or kill -9.

All commands of this file run side by side; a mark in the environment tells what belongs to which.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.cli import free_port, gone, soon
from tests.support.server_process import PATIENCE_S, ROOT

MARK = "LEFT_BEHIND"
LEFT_S = 3.0
ENDS = {"terminal": signal.SIGHUP, "quit": signal.SIGQUIT, "kill": signal.SIGKILL}
SURVIVE = ("survive", "--workloads", "sleep", "--models", "inline,async,thread-pool", "--output")
HANG_UP = {"survive": 130, "up": 0}
# Each end comes to two commands: what they share sees to it.
ENDED = (("up", "terminal"), ("up", "kill"), ("up", "quit"))
REPORTED = (("survive", "terminal"), ("survive", "quit"))

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class Command:
    """A command in a folder of its own, by default at a terminal, or else under `nohup`."""

    name: str
    folder: Path
    words: tuple[str, ...]
    nohup: bool = False

    def start(self) -> None:
        self.terminal, theirs = pty.openpty()
        output = (self.folder / "said").open("ab")

        def first() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if self.nohup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "loadtests", *self.words],
            cwd=self.folder,
            env={**os.environ, MARK: str(self.folder), "PYTHONPATH": str(ROOT)},
            stdin=theirs,
            stdout=output if self.nohup else theirs,
            stderr=output if self.nohup else theirs,
            start_new_session=True,
            preexec_fn=first,
        )
        os.close(theirs)
        output.close()

    def all(self) -> list[psutil.Process]:
        """List what lives of it, the command itself included."""
        processes = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                mine = process.environ().get(MARK) == str(self.folder)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    processes.append(process)
        return processes

    def measuring(self) -> psutil.Process | None:
        """Find the process that measures, once it has started one itself."""
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                line = " ".join(child.cmdline())
                measures = any(sign in line for sign in ("loadtests.", "-m locust"))
                if measures and (self.name == "up" or child.children()):
                    return child
        return None

    def written(self) -> str:
        file = self.folder / "run" / "run.jsonl"
        return file.read_text() if file.exists() else ""

    def close_terminal(self) -> None:
        os.close(self.terminal)
        self.terminal = -1

    def clear(self) -> None:
        if self.terminal >= 0:
            self.close_terminal()
        for process in self.all():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Command]]:
    commands = {}
    for name, end in (*REPORTED, *ENDED, ("survive", "kill"), ("survive", "locust")):
        folder = tmp_path_factory.mktemp(f"{name}-{end}")
        words = {
            "survive": (*SURVIVE, str(folder / "run")),
            "up": ("up", "--port", "0", "--web-port", str(free_port())),
        }[name]
        several = ("--generators", "2") if end == "locust" else ()
        commands[f"{name}-{end}"] = Command(name, folder, (*words, *several), end != "terminal")
    for command in commands.values():
        command.start()
    try:
        yield commands
    finally:
        for command in commands.values():
            command.clear()


def left(command: Command) -> None:
    """Check that nothing of it is left."""
    soon(lambda: not command.all(), LEFT_S)


@pytest.mark.parametrize(("name", "end"), ENDED)
def test_a_command_ends_with_all_that_it_has_started(
    commands: dict[str, Command], name: str, end: str
) -> None:
    command = commands[f"{name}-{end}"]
    soon(command.measuring)
    if end == "terminal":
        command.close_terminal()
    else:
        command.process.send_signal(ENDS[end])
    expected = HANG_UP[name] if end == "terminal" else -ENDS[end]
    assert command.process.wait(PATIENCE_S) == expected
    left(command)
    assert not [*command.folder.rglob("core*")]


@pytest.mark.parametrize(("name", "end"), REPORTED)
def test_a_run_ends_too_and_is_reported_if_it_can_be(
    commands: dict[str, Command], name: str, end: str
) -> None:
    command = commands[f"{name}-{end}"]
    soon(lambda: '"line": "run"' in command.written())
    if end == "terminal":
        command.close_terminal()
        assert command.process.wait(PATIENCE_S) == 130
        assert (command.folder / "run" / "report.html").exists()
    else:
        command.process.send_signal(ENDS[end])
        assert command.process.wait(PATIENCE_S) == -ENDS[end]
    left(command)


def test_a_run_that_is_killed_goes_on_at_once_and_nohup_is_heeded(
    commands: dict[str, Command],
) -> None:
    command = commands["survive-kill"]
    soon(lambda: '"line": "run"' in command.written())
    measuring = command.measuring()
    assert measuring
    before = command.written()
    command.process.send_signal(signal.SIGHUP)
    measuring.send_signal(signal.SIGHUP)
    soon(lambda: command.written() != before)
    command.process.kill()
    command.process.wait(PATIENCE_S)
    command.close_terminal()
    command.start()
    soon(lambda: gone([measuring]), LEFT_S)
    soon(lambda: '"line": "resumed"' in command.written())
    kinds = [line.partition(",")[0] for line in command.written().splitlines()]
    assert kinds.count('{"line": "run"') == kinds.count('{"line": "resumed"') == 1


def test_what_locust_has_started_ends_with_it_even_if_it_is_stopped(
    commands: dict[str, Command],
) -> None:
    command = commands["survive-locust"]
    soon(lambda: '"line": "prediction"' in command.written())
    locust = command.measuring()
    assert locust
    below = locust.children()
    assert len(below) >= 5, "two workers, and a server for each row"
    for process in below:
        process.suspend()
    locust.kill()
    assert command.process.wait(PATIENCE_S) == 3
    left(command)
