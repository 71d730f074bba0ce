"""What a new process does in which Ctrl-C arrives before it is a worker."""

import os
import signal
import sys

from server.worker import carry


def begin_late() -> None:
    """Get Ctrl-C, then become a worker; the exit code is 1 if Ctrl-C stays blocked."""
    os.kill(os.getpid(), signal.SIGINT)
    carry.begin({})
    sys.exit(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
