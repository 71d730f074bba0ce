"""A fork server deletes the folder of its socket when it ends, because the server may be gone.

A fork server ends after every process that uses it, even after kill -9; multiprocessing deletes the
folder only when the server exits regularly. A fork server that fails leaves the folder to the
server, which needs it for the next one. It ignores SIGTERM, which systemd and others send to all
processes of a group, because only the server decides when to end. Only fork servers preload this.

It also adopts the daemons of its workers, and ends them with itself.
"""

import atexit
import os
import shutil
import signal
import sys
import warnings
from contextlib import suppress
from time import monotonic, sleep

from server.worker.carry import LEFTOVERS
from server.worker.offspring import adopt_orphans, below

DYING_S = 0.2  # a killed server closes its sockets a moment before it is gone


def delete(folder: str, owner: int, server: int) -> None:
    if os.getpid() != owner:  # it is a worker that was forked
        return
    until = monotonic() + DYING_S
    # Python sets last_value if the fork server has failed.
    while hasattr(sys, "last_value") and os.getppid() == server:
        if monotonic() > until:
            return
        sleep(0.005)
    for process in below(owner):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if folder := os.environ.get(LEFTOVERS):
    atexit.register(delete, folder, os.getpid(), os.getppid())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    adopt_orphans()
    warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # of an orphan
