"""A module that keeps a fork server from forking while a file beside the gate exists.

This is how a system behaves that allows no more processes; a test cannot use up all processes of a
machine. Servers load it; tests do not import it.
"""

import errno
import os
from pathlib import Path

from server.workloads import workload
from tests.support.faulty_workloads import GATE, NONE_LEFT

_fork = os.fork


def fork() -> int:
    if Path(os.environ[GATE] + NONE_LEFT).exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return _fork()


os.fork = fork


@workload(kind="cpu")
def idle() -> None:
    """Do nothing: a module needs a workload."""
