"""One ProcessPoolExecutor from its start to its end, with the surprises of its end kept inside.

When the standard executor loses a worker it is broken: its own thread fails all calls and ends all
workers. Up to Python 3.11 that thread takes no lock while it does so. A worker that is being
started meanwhile confuses the fork server, and a call that comes meanwhile may be forgotten, or
end the thread with calls unanswered and workers alive (python/cpython#109047 and its kin).
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from math import inf
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from server.models.messages import Job, pickled
from server.models.process_start import START_S, context, starting
from server.settings import Settings
from server.worker import carry

LOOK_S = 0.1
FIRST = Job(int, (), {}, inf)


class StandardPool:
    """An executor whose workers all run: none is ever started while calls are in flight."""

    def __init__(self, settings: Settings) -> None:
        """Start it; blocks. Raises what starting processes raises, and BrokenProcessPool."""
        chosen: Any = context(settings)
        self._held: set[Future[bytes]] = set()
        # An executor starts a worker only for a call that finds none idle. So none gets through
        # this gate, to be idle, before all are there.
        with starting(settings):
            waiting, gate = chosen.Pipe(duplex=False)
            arrivals, arrived = chosen.Pipe(duplex=False)
        with waiting, gate, arrivals, arrived:
            self._executor: Any = ProcessPoolExecutor(
                settings.processes,
                mp_context=chosen,
                initializer=carry.begin,
                initargs=(carry.environment(), waiting, arrived),
            )
            self._processes = self._executor._processes  # noqa: SLF001 - which it forgets at its end
            try:
                self._start(settings, arrivals, gate)
            except BaseException:
                self.end()
                raise

    def _start(self, settings: Settings, arrivals: Connection, gate: Connection) -> None:
        until, here = monotonic() + START_S, 0
        with starting(settings):
            calls = [self.submit(pickled(FIRST)) for _ in range(settings.processes)]
        thread = self._executor._executor_manager_thread  # noqa: SLF001 - it may get no thread of its own, and end
        while here < settings.processes and thread.is_alive() and monotonic() < until:
            if arrivals.poll(LOOK_S):
                here += len(os.read(arrivals.fileno(), settings.processes))
            elif any(call.done() for call in calls):  # before the gate is open, so it has failed
                break
        os.write(gate.fileno(), b"." * settings.processes)
        wait(calls, LOOK_S if here < settings.processes else START_S)
        for call in calls:
            call.result(0)

    def submit(self, message: bytes) -> Future[bytes]:
        """Send a pickled call. Raises BrokenProcessPool when it is broken, and has not begun it."""
        away: Future[bytes] = self._executor.submit(carry.answer, message)
        self._held.add(away)
        away.add_done_callback(self._held.discard)
        if self._executor._broken:  # noqa: SLF001 - it came while the executor was failing others
            raise BrokenProcessPool("a worker died")
        return away

    def end(self) -> None:
        """Kill the workers, and fail all calls that are left; blocks until all is done."""
        thread = self._executor._executor_manager_thread  # noqa: SLF001 - it fails them itself if it can
        for process in list(self._processes.values()):
            process.kill()
        self._executor.shutdown(wait=False)
        if thread:
            thread.join(START_S)
        for away in list(self._held):
            with suppress(Exception):  # done in the same moment
                away.set_exception(BrokenProcessPool("a worker died"))

    def close(self) -> None:
        """Let the workers end once they are done, without waiting for that."""
        self._executor.shutdown(wait=False, cancel_futures=True)
