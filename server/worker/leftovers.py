"""What a fork server clears away when it ends: the folder of its socket, if the server cannot.

A fork server ends after all that could ask it for processes, whatever way they went, kill -9
included; multiprocessing leaves the folder to the server's own end. One that fails leaves it to
the server, if that lives and needs it for the next. So does one that is killed; therefore it hears
no SIGTERM, which systemd and others send to all processes of a group: the server decides. To be
preloaded, and by a fork server alone.
"""

import atexit
import os
import shutil
import signal
import sys
from time import monotonic, sleep

from server.worker.carry import LEFTOVERS

DYING_S = 0.2  # a server that is killed closes its sockets a moment before it is gone


def clear(folder: str, owner: int, server: int) -> None:
    if os.getpid() != owner:  # but a worker that it has forked
        return
    until = monotonic() + DYING_S
    while hasattr(sys, "last_value") and os.getppid() == server:  # it has failed: Python keeps why
        if monotonic() > until:
            return
        sleep(0.005)
    shutil.rmtree(folder, ignore_errors=True)


if folder := os.environ.get(LEFTOVERS):
    atexit.register(clear, folder, os.getpid(), os.getppid())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
