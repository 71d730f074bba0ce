"""How worker processes are started, and what is answered while the system grants none.

A fork server that may not fork ends, and the next request for a process starts another one. So
after a failure no process is asked for during a moment: a shortage must not become a storm of
fork servers.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import AbstractContextManager, nullcontext
from math import inf
from multiprocessing.context import BaseContext
from multiprocessing.util import get_temp_dir
from pathlib import Path
from threading import Lock
from time import monotonic

from server.errors import Refused, log
from server.settings import Settings
from server.worker import carry

START_S = 30  # a worker that has not started by then never will
PAUSE_S = 0.5  # after a process could not be started
_naming, _forking = Lock(), Lock()
NO_MORE = "the system lets the server start no more processes"
NO_MORE_HINT = "Raise its limits (ulimit -u, pids.max, memory), or give it fewer --processes."
# What starting a process raises: OSError by fork or by a fork server that has just ended, EOFError
# by one that ends now, RuntimeError where not even a thread can be had.
START_ERRORS = (OSError, EOFError, RuntimeError)


def context(settings: Settings) -> BaseContext:
    """Give the start method, with the workloads loaded once in the fork server.

    Forking a process that has threads can leave locks held for ever in the child, so the default
    start method is forkserver.
    """
    chosen = multiprocessing.get_context(settings.start_method)
    if settings.start_method == "forkserver":
        with _naming:  # else two threads make a folder each, and one of them stays
            os.environ[carry.LEFTOVERS] = folder = get_temp_dir()
        # It has the sockets of fork servers, and some systems tidy up where it is.
        Path(folder).mkdir(mode=0o700, exist_ok=True)
        chosen.set_forkserver_preload(["server.worker.leftovers", "__main__", *settings.preload()])
    return chosen


def starting(settings: Settings) -> AbstractContextManager[object]:
    """Hold this while a process is started, from the making of its pipes until they are ours alone.

    A process forked meanwhile would inherit the other end of such a pipe, and the death at that
    end would go unnoticed. The other start methods hand on nothing that is not meant.
    """
    return _forking if settings.start_method == "fork" else nullcontext()


class Shortage:
    """Whether the last process that was asked for could not be started, and why."""

    def __init__(self) -> None:
        self._since = -inf
        self._why = ""

    def __bool__(self) -> bool:
        return bool(self._why)

    def check(self) -> None:
        """Raise Refused for a moment after a failure."""
        if monotonic() - self._since < PAUSE_S:
            raise self.refusal()

    def over(self) -> None:
        """Note that a process could be started."""
        self._since, self._why = -inf, ""

    def noted(self, error: BaseException) -> Refused:
        """Note that one could not, log the first of several, and give the answer."""
        first, why = not self, f"{type(error).__name__}: {error}"
        if isinstance(error, EOFError):
            why = "the fork server ended when it should have forked"
        self._since, self._why = monotonic(), why
        if first:
            log.error("%s (%s); requests are refused until it does", NO_MORE, why)
        return self.refusal()

    def refusal(self) -> Refused:
        return Refused(f"{NO_MORE} ({self._why})", NO_MORE_HINT)
