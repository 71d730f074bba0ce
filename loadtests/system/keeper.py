"""Runs a command of the user, and ends it with all that it has started, whatever became of us.

    us ──▶ keeper ──▶ the command, in a session of its own ──▶ its workers ──▶ daemons …
     └── a pipe: its end says that we are gone, even after kill -9

On Linux the keeper adopts what leaves its parent, so that everything stays below it. Its own
interpreter ignores the settings of the user's Python, which the command has.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from time import monotonic, sleep

import psutil

from loadtests.paths import ROOT
from loadtests.system.child import PR_SET_PDEATHSIG, tied

PR_SET_CHILD_SUBREAPER = 36
STUCK_S = 2.0  # a process that is killed, and does not end within this, never will
NOT_STARTED = 127
MAIN = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {__name__} import main; main()"


def kept(command: list[str], stop_s: float) -> list[str]:
    """Return the command of a keeper, which terminates, and kills after `stop_s`.

    It writes a line: the number of the command's process, or why it could not be started. It ends
    when the command does, when it is terminated, or when its standard input is at its end.
    """
    return [sys.executable, "-I", "-c", MAIN, str(stop_s), *command]


def main() -> None:
    stop_s, *command = sys.argv[1:]
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        process = subprocess.Popen(  # noqa: S603 - the command of the user
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=tied(),
        )
    except OSError as error:
        print(error.strerror or error, flush=True)  # noqa: T201 - the parent process reads this
        sys.exit(NOT_STARTED)
    print(process.pid, flush=True)  # noqa: T201 - likewise
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, 0)  # from here on, the end of the pipe says so more gently
    code = _wait(process, wake)
    _end(float(stop_s))
    sys.exit(code if code >= 0 else 128 - code)


def _wait(process: subprocess.Popen[bytes], wake: int) -> int:
    """Wait until the command ends by itself, or should end; returns its exit code, or else 0."""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        stop = 0 in ready or signal.SIGTERM in os.read(wake, 512)
        code = process.poll()
        if code is not None:
            return code
        if stop:
            return 0
        _reap(process.pid)


def _reap(but: int = 0) -> None:
    """Let go of adopted processes that have ended."""
    for child in psutil.Process().children():
        if child.pid != but:
            with suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)


def _left() -> list[psutil.Process]:
    _reap()
    running = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
    return running


def _end(stop_s: float) -> None:
    """Terminate all, then kill what is left: a process may start others until it is gone."""
    for process in _left():
        with suppress(psutil.Error):
            process.terminate()
    begun = monotonic()
    while (left := _left()) and monotonic() < begun + stop_s + STUCK_S:
        if monotonic() > begun + stop_s:
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
        sleep(0.01)
