"""One ProcessPoolExecutor from start to end, which hides the quirks of how it ends.

When the standard executor loses a worker it is broken: its own thread fails all calls and ends all
workers. Up to Python 3.11 that thread takes no lock while it does so. A worker that is being
started meanwhile confuses the fork server, and a call submitted meanwhile may be forgotten, or
end the thread with calls unanswered and workers alive (python/cpython#109047 and others).
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from time import monotonic
from typing import Any

from server.models.messages import pickled, received
from server.models.process_start import FIRST, START_S, checked, starting, still_running
from server.worker import carry
from server.worker.offspring import kill_with_offspring

LOOK_S = 0.1


class StandardPool:
    """An executor whose workers all run: none is ever started while calls are in flight."""

    def __init__(self, method: BaseContext, workers: int) -> None:
        """Start it; blocks. Raises what starting processes raises, and BrokenProcessPool."""
        context: Any = method
        self._held: set[Future[bytes]] = set()
        # An executor starts a worker only for a call that finds none idle. So every worker waits
        # at this gate, and none is idle before all have started.
        with starting(method):
            waiting, gate = context.Pipe(duplex=False)
            arrivals, arrived = context.Pipe(duplex=False)
        with waiting, gate, arrivals, arrived:
            self._executor: Any = ProcessPoolExecutor(
                workers,
                mp_context=context,
                initializer=carry.begin,
                initargs=(carry.environment(), waiting, arrived),
            )
            self._processes: Any = self._executor._processes  # noqa: SLF001 - it drops them when it ends
            try:
                self._start(method, workers, arrivals, gate)
            except BaseException:
                self.end()
                raise

    def _start(
        self, method: BaseContext, workers: int, arrivals: Connection, gate: Connection
    ) -> None:
        until, started = monotonic() + START_S, 0
        with starting(method):
            calls = []
            for _ in range(workers):
                calls.append(self.submit(pickled(FIRST)))
                for process in self._processes.values():
                    # Since Python 3.12 a broken executor waits for them under the lock that the
                    # event loop needs to submit; and workers ignore SIGTERM.
                    process.terminate = process._popen.kill  # noqa: SLF001 - a bound method of its own would keep it
        thread = self._executor._executor_manager_thread  # noqa: SLF001 - it ends if no thread can be started
        while started < workers and thread.is_alive() and monotonic() < until:
            if arrivals.poll(LOOK_S):
                started += len(os.read(arrivals.fileno(), workers))
            elif any(call.done() for call in calls):  # before the gate is open, so it has failed
                break
        os.write(gate.fileno(), b"." * workers)
        wait(calls, LOOK_S if started < workers else START_S)
        for call in calls:
            checked(received(call.result(0)))

    def submit(self, message: bytes) -> Future[bytes]:
        """Send a pickled call. Raises BrokenProcessPool, if it is broken, without running it."""
        remote: Future[bytes] = self._executor.submit(carry.answer, message)
        self._held.add(remote)
        remote.add_done_callback(self._held.discard)
        if self._executor._broken:  # noqa: SLF001 - the call came while the executor failed others
            raise BrokenProcessPool("a worker died")
        return remote

    def end(self) -> None:
        """Kill the workers with all that they started, and fail all calls; blocks until done."""
        thread = self._executor._executor_manager_thread  # noqa: SLF001 - it fails them itself if it can
        for process in list(self._processes.values()):
            kill_with_offspring(process.pid)
            process.kill()
        self._executor.shutdown(wait=False)
        if thread and thread.is_alive():  # it never was where the system had no thread left
            thread.join(START_S)
        for process in list(self._processes.values()):
            process.join(LOOK_S)
        self._processes = {}  # tracebacks of errors keep this pool; see ProcessCall.run
        for remote in list(self._held):
            with suppress(Exception):  # done in the same moment
                remote.set_exception(BrokenProcessPool("a worker died"))

    def close(self, stuck: int) -> None:
        """Let idle workers end by themselves, and kill the others with all that they started.

        `stuck` of them still run work, for which nobody waits.
        """
        processes = list(self._processes.values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in still_running(processes, stuck):
            kill_with_offspring(process.pid)
