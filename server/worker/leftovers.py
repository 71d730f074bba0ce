"""What a fork server does first and last: import the workloads, and delete its socket's folder.

It looks for modules where the server does, which Python 3.11 would not tell it. What it cannot
import is imported by the workers, which report why not.

A fork server ends after every process that uses it, even after kill -9; multiprocessing deletes the
folder only when the server exits regularly. A fork server that fails leaves the folder to the
server, which needs it for the next one. It ignores SIGTERM, which systemd and others send to all
processes of a group, because only the server decides when to end. Only fork servers preload this.

It also adopts the daemons of its workers, and ends them with itself.
"""

import json
import os
import shutil
import signal
import sys
import threading
import warnings
from contextlib import suppress
from time import monotonic, sleep

from server.worker.imports import PLAN, load
from server.worker.offspring import adopt_orphans, kill_below

DYING_S = 0.2  # a killed server closes its sockets a moment before it is gone


def end(folder: str, owner: int, server: int) -> None:
    """Delete the folder and exit at once, whatever the workloads' modules left to be waited for."""
    if os.getpid() != owner:  # it is a worker that was forked
        return
    until = monotonic() + DYING_S
    # Python sets last_value if the fork server has failed.
    while hasattr(sys, "last_value") and os.getppid() == server:
        if monotonic() > until:
            os._exit(1)
        sleep(0.005)
    kill_below(owner)
    shutil.rmtree(folder, ignore_errors=True)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


if PLAN in os.environ:
    plan = json.loads(os.environ[PLAN])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Else a pool that work makes in the server would wait for ever for workers that it terminates.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    adopt_orphans()
    warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # of an orphan
    sys.path[:] = plan["path"]
    for module in plan["modules"]:
        if module not in plan["kept"]:
            with suppress(BaseException):
                load(module)
    # Unlike atexit, this comes before the wait for threads and executors.
    threading._register_atexit(end, plan["folder"], os.getpid(), os.getppid())  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
