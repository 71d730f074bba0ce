"""A workload that does odd things to its process, one at a time."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from server.workloads import workload

WORKLOADS = __file__  # the server loads it by its path
LONG_S = 3600
PRINTED = 1_000_000  # characters


def _fork(then: Callable[[], object]) -> None:
    if os.fork() == 0:
        then()


def _pool() -> None:
    with multiprocessing.Pool(2) as pool:
        pool.map(abs, [-1, -2])


def _alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.05)


ODD: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(1),
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "close": lambda: os.closerange(3, 100),
    "print": lambda: print("x" * PRINTED),  # noqa: T201 - that is odd
    "input": lambda: len(sys.stdin.read()),
    "recursion": lambda: sys.setrecursionlimit(80),
    "alarm": _alarm,
    "copy": lambda: _fork(lambda: None),
    "child": lambda: _fork(lambda: time.sleep(LONG_S)),
    "program": lambda: subprocess.run(["sleep", str(LONG_S)], check=False),  # noqa: S603, S607 - a constant
    "pool": _pool,
    "thread": lambda: threading.Thread(target=time.sleep, args=(LONG_S,)).start(),
}


@workload(kind="cpu")
def odd(how: str = "exit") -> None:
    """Do it."""
    ODD[how]()
