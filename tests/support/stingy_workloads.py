"""A module after whose import a fork server cannot fork, as long as a file beside the gate says so.

That is what a system without a free process does; a test cannot take all processes of a machine.
For a server to load: tests do not import it.
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
