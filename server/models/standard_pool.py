"""One ProcessPoolExecutor from its start to its end, with the surprises of its end kept inside.

When the standard executor loses a worker it is broken: its own thread fails all calls and ends all
workers. Up to Python 3.11 that thread takes no lock while it does so. A worker that is being
started meanwhile confuses the fork server, and a call that comes meanwhile may be forgotten, or
end the thread with calls unanswered and workers alive (python/cpython#109047 and its kin).
"""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any

from server import worker
from server.models.messages import Job, pickled
from server.models.process_start import START_S, context, starting
from server.settings import Settings

LOOK_S = 0.1
FIRST = Job(int, (), {}, inf)


class StandardPool:
    """An executor whose workers all run: none is ever started while calls are in flight."""

    def __init__(self, settings: Settings) -> None:
        """Start it; blocks. Raises what starting processes raises, and BrokenProcessPool."""
        count = settings.processes
        chosen: Any = context(settings)
        self._held: set[Future[bytes]] = set()
        # An executor starts a worker only for a call that finds none idle. So none gets through
        # this gate, to be idle, before all have been started.
        gate = chosen.Semaphore(0)
        self._executor: Any = ProcessPoolExecutor(
            count,
            mp_context=chosen,
            initializer=worker.begin,
            initargs=(worker.environment(), gate),
        )
        self._processes = self._executor._processes  # noqa: SLF001 - which it forgets at its end
        try:
            with starting(settings):
                calls = [self.submit(pickled(FIRST)) for _ in range(count)]
            for _ in range(count):
                gate.release()
            self._await(calls)
        except BaseException:
            self.end()
            raise

    def submit(self, message: bytes) -> Future[bytes]:
        """Send a pickled call. Raises BrokenProcessPool when it is broken, and has not begun it."""
        away: Future[bytes] = self._executor.submit(worker.answer, message)
        self._held.add(away)
        away.add_done_callback(self._held.discard)
        if self._executor._broken:  # noqa: SLF001 - it came while the executor was failing others
            raise BrokenProcessPool("a worker died")
        return away

    def _await(self, calls: list[Future[bytes]]) -> None:
        until, thread = monotonic() + START_S, self._executor._executor_manager_thread  # noqa: SLF001 - which dies if it gets no thread of its own
        while wait(calls, LOOK_S).not_done and thread.is_alive() and monotonic() < until:
            pass
        for call in calls:
            call.result(0)

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
        self._executor = None  # and with it goes the gate, which the system would have to clear
