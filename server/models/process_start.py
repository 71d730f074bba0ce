"""How worker processes are started, and what requests get while the system allows no more of them.

A fork server that cannot fork exits, and the next request for a process starts another one. So
after a failure no process is started for a moment: otherwise a shortage would start a stream of
fork servers.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from math import inf
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.spawn import get_preparation_data
from multiprocessing.util import get_temp_dir
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from server.errors import CannotStart, Refused, WorkFailed, log
from server.models.messages import Job
from server.settings import Settings
from server.worker.imports import PLAN, imported, plan
from server.worker.outcomes import raised
from server.worker.resources import CLOSE_S
from server.worker.timeline import Ran

START_S = 30  # a worker that has not started by then never will
FIRST = Job(imported, (), {}, inf)  # what a worker runs before any request's call
LONGEST = 60  # bytes of a folder's path; below it are a folder and a socket, with random names
PAUSE_S = 0.5  # after a process could not be started
_naming, _forking = Lock(), Lock()
QUIET = "ignore:resource_tracker"
NO_MORE = "the system does not let the server start more processes"
NO_MORE_HINT = "Raise its limits (ulimit -u and -n, pids.max, memory), or use fewer --processes."
# What starting a process raises: OSError from fork or from a fork server that has just ended,
# EOFError from one that is ending, RuntimeError where not even a thread can be started.
START_ERRORS = (OSError, EOFError, RuntimeError)


def context(settings: Settings) -> BaseContext:
    """Return the start method, with the workloads preloaded in the fork server.

    Forking a process that has threads can leave locks held for ever in the child, so the default
    start method is forkserver.
    """
    _start_tracker()
    method = multiprocessing.get_context(settings.start_method)
    with _naming:  # otherwise two threads create a folder each, and one of them remains
        folder = _short_folder()  # of the workers too, who are killed before they can delete theirs
    if settings.start_method == "forkserver":
        method.set_forkserver_preload(["server.worker.leftovers", "__main__"])
    path = get_preparation_data("ignore")["sys_path"]
    os.environ[PLAN] = plan(settings.preload(), path, folder)
    return method


def semaphores_missing() -> str | None:
    """Why the system gives no semaphores, which the standard pool's queues need; or None."""
    try:
        multiprocessing.get_context("fork").Lock()  # which leaves no name behind
    except (OSError, ImportError) as error:
        return (
            f"the system gives no semaphores ({error}): mount a writable /dev/shm, or use "
            "supervised-process-pool, which needs none"
        )
    return None


def _short_folder() -> str:
    """Make the folder of the fork server's socket, whose path the system limits to about 100 bytes.

    Python 3.14 does so itself.
    """
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) > LONGEST:
        tempfile.tempdir = "/tmp"  # noqa: S108 - mkdtemp makes a folder of our own in it
    try:
        return get_temp_dir()
    finally:
        tempfile.tempdir = usual


def checked(first: Ran | WorkFailed) -> None:
    """Raise CannotStart if a worker's answer to its first call is that it lacks a workload."""
    if isinstance(first, WorkFailed):
        raise CannotStart(str(first))
    if first.failure:
        raise CannotStart(
            f"worker processes cannot import the workloads, though the server can: "
            f"{first.failure[1]}. Move what only one process can do from the module into a "
            "function, or start only models without processes (--models thread-pool)."
        )


def _start_tracker() -> None:
    """Start what removes shared memory and semaphores that killed processes leave behind.

    Work may have left some, so it does not warn of them. Workers share this tracker: one of
    their own would end with them, before it has removed anything.
    """
    sys.warnoptions.append(QUIET)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(QUIET)


@contextmanager
def starting(method: BaseContext) -> Iterator[None]:
    """Hold this while a process starts, from creating its pipes until only we hold our ends.

    A process forked meanwhile would inherit the other end of such a pipe, so that a death at that
    end would go unnoticed. The other start methods pass on only what they are meant to.

    Ctrl-C reaches the whole group of processes: a new one does not get it until it has begun to
    ignore it, so that it ends neither the start nor with a traceback.
    """
    if method.get_start_method() == "forkserver":
        # The folder holds the sockets of fork servers, and some systems clean up temporary files.
        Path(get_temp_dir()).mkdir(mode=0o700, exist_ok=True)
    with _forking if method.get_start_method() == "fork" else nullcontext():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def still_running(processes: Iterable[Any], stuck: int = 0) -> list[Any]:
    """Give processes that are about to end a moment to close what they have; blocks.

    Returns those that do not end, of which `stuck` are not waited for. It reads no exit code,
    because each can be read only once.
    """
    left = {process.sentinel: process for process in processes}
    until = monotonic() + CLOSE_S
    while len(left) > stuck and (remaining := until - monotonic()) > 0:
        for ended in wait(list(left), remaining):
            del left[ended]
    return list(left.values())


class Shortage:
    """Whether the last attempt to start a process failed, and why."""

    def __init__(self) -> None:
        self._since = -inf
        self._why = ""

    def __bool__(self) -> bool:
        return bool(self._why)

    def check(self) -> None:
        """Raise Refused for a moment after a failure."""
        if monotonic() - self._since < PAUSE_S:
            raise self.refusal()

    def clear(self) -> None:
        """Record that a process was started."""
        self._since, self._why = -inf, ""

    def note(self, error: BaseException) -> Refused:
        """Record a failure, log the first of several, and return the answer for the request."""
        first, why = not self, ": ".join(filter(None, raised(error)))
        if isinstance(error, EOFError):
            why = "the fork server ended instead of forking"
        self._since, self._why = monotonic(), why
        if first:
            log.error("%s (%s); requests are refused until it does", NO_MORE, why)
        return self.refusal()

    def refusal(self) -> Refused:
        return Refused(f"{NO_MORE} ({self._why})", NO_MORE_HINT)
