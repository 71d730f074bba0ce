"""What a fork server clears away when it ends: the folder of its socket, if the server cannot.

A fork server ends after all that could ask it for processes, whatever way they went, kill -9
included; multiprocessing leaves the folder to the server's own end. One that fails leaves it to
the server, which lives and needs it for the next. So does one that is killed; therefore it hears
no SIGTERM, which systemd and others send to all processes of a group: the server decides. To be
preloaded, and by a fork server alone.
"""

import atexit
import os
import shutil
import signal
import sys

from server.worker import LEFTOVERS


def clear(folder: str, owner: int) -> None:
    failed = hasattr(sys, "last_value")  # with what it ends; Python sets it for all but SystemExit
    if os.getpid() == owner and not failed:  # and it is not a worker that it has forked
        shutil.rmtree(folder, ignore_errors=True)


if folder := os.environ.get(LEFTOVERS):
    atexit.register(clear, folder, os.getpid())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
