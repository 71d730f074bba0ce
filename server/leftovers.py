"""What a fork server clears away when it ends: the folder of its socket, if the server cannot.

A fork server ends after all that could ask it for processes, whatever way they went, kill -9
included; multiprocessing leaves the folder to the server's own end. To be preloaded, and by a fork
server alone.
"""

import atexit
import os
import shutil

from server.worker import LEFTOVERS


def clear(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # and not a worker that it has forked
        shutil.rmtree(folder, ignore_errors=True)


if folder := os.environ.get(LEFTOVERS):
    atexit.register(clear, folder, os.getpid())
