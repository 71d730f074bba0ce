"""Child processes, none of which outlives the process that started it, however that ends.

The kernel kills a child whose parent is gone: a process that is stopped, or busy in C code, does
not react to anything milder. Its own children are tied to it in the same way.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

PR_SET_PDEATHSIG = 1
# Where the kernel has no such signal, a small process waits for the first of the two to end.
WATCH = """
import os, select, signal, sys
parent, child = map(int, sys.argv[1:])
os.closerange(0, 1024)
if os.fork():
    os._exit(0)
exits = [
    select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
    for pid in (parent, child)
]
if parent in {event.ident for event in select.kqueue().control(exits, len(exits))}:
    os.kill(child, signal.SIGKILL)
"""

if sys.platform == "linux":
    _prctl = ctypes.CDLL(None).prctl  # looked up now: between fork and exec, locks may be held


@contextmanager
def child(
    command: Sequence[str],
    *,
    stop_s: float,
    before: Callable[[], None] | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running process, tied to this one, and end it after the block.

    It is terminated, and killed after `stop_s`, or at once when a second Ctrl-C comes. A child
    that leads a session (`start_new_session`) leaves no process of its group behind. `before` runs
    in the new process before its program starts; other options are those of `subprocess.Popen`.
    """
    tie = tied()

    def begin() -> None:
        tie()
        if before is not None:
            before()

    with subprocess.Popen(command, preexec_fn=begin, **options) as process:  # noqa: S603 - our own
        try:
            yield process
        finally:
            try:
                with suppress(ProcessLookupError):
                    process.terminate()
                process.wait(stop_s)
            except subprocess.TimeoutExpired:
                process.kill()
            except BaseException:  # e.g. a second Ctrl-C
                process.kill()
                raise
            finally:
                if options.get("start_new_session"):
                    _kill_group(process.pid)


def output(*command: str, timeout_s: float) -> str:
    """Return what a short command prints; empty if it fails, or does not end in time."""
    try:
        done = subprocess.run(  # noqa: S603 - commands of ours, and of the user's own tools
            command, capture_output=True, text=True, timeout=timeout_s, check=False,
            preexec_fn=tied(),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def tied() -> Callable[[], None]:
    """Return what ties a new process to this one, as its `preexec_fn`.

    Start it from the main thread: on Linux, a child ends with the thread that forked it.
    """
    return partial(end_with, os.getpid())


def end_with(parent: int) -> None:
    """Have the kernel kill this process, a child of `parent`, when the parent is gone."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it is gone already
            os._exit(1)
    else:
        watch = [sys.executable, "-ISc", WATCH, str(parent), str(os.getpid())]
        os.waitpid(os.posix_spawn(sys.executable, watch, {}), 0)


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nothing is left, or only zombies
        os.killpg(leader, signal.SIGKILL)
