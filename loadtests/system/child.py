"""Leave no process behind: whatever we start ends with the process that started it.

It is killed, because a process that is stopped, or busy in C, hears nothing else; and so is, one by
one, all that it has started itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial

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
if parent in {one.ident for one in select.kqueue().control(exits, len(exits))}:
    os.kill(child, signal.SIGKILL)
"""

if sys.platform == "linux":
    _prctl = ctypes.CDLL(None).prctl  # found now: between fork and exec, locks may be held


def tied() -> Callable[[], None]:
    """Give what a new process of ours does before all else, as `preexec_fn`.

    The main thread must fork it: on Linux, the process ends with the thread that has done so.
    """
    return partial(end_with, os.getpid())


def end_with(parent: int) -> None:
    """Let the kernel kill this process, which `parent` has just forked, when that has gone."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has gone already
            os._exit(1)
    else:
        watch = [sys.executable, "-ISc", WATCH, str(parent), str(os.getpid())]
        os.waitpid(os.posix_spawn(sys.executable, watch, {}), 0)
