"""A child process ends with the block that runs it: gently, by force, and with all of its group."""

import os
import signal
import subprocess
import sys
from time import monotonic

import psutil
import pytest

from loadtests.system.child import child
from tests.support.cli import gone, soon
from tests.support.server_process import PATIENCE_S

READY = "print(flush=True)"
WAIT = f"import signal; {READY}; signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT}"
FORKING = f"import os, signal; pid = os.fork(); {READY} if pid else None; signal.pause()"


def command(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_is_terminated_after_the_block() -> None:
    with child(command(WAIT), stop_s=PATIENCE_S, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
    assert process.returncode == -signal.SIGTERM
    assert process.stdout.closed


def test_one_that_ignores_this_is_killed() -> None:
    with child(command(STUBBORN), stop_s=0.05, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
    assert process.returncode == -signal.SIGKILL


def test_a_second_ctrl_c_kills_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        monkeypatch.undo()
        raise KeyboardInterrupt

    process: subprocess.Popen[bytes] | None = None
    begun = monotonic()
    try:
        with child(command(STUBBORN), stop_s=PATIENCE_S, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            monkeypatch.setattr(process, "wait", interrupted)
    except KeyboardInterrupt:
        assert process is not None
        assert process.returncode == -signal.SIGKILL
        assert monotonic() - begun < PATIENCE_S
    else:
        pytest.fail("the interrupt was swallowed")


def test_the_leader_of_a_session_leaves_no_process_behind() -> None:
    with child(
        command(FORKING), stop_s=PATIENCE_S, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        below = psutil.Process(process.pid).children()
        assert below
        os.kill(process.pid, signal.SIGKILL)
    soon(lambda: gone(below))
