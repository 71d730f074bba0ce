"""Processes: a new one for each request, or a bounded pool as most people write it."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any, ClassVar

from server.admission.bulkhead import Visit
from server.errors import Refused
from server.models.base import Promises
from server.models.messages import Job, pickled, received
from server.models.offloaded import Offloaded
from server.models.process_start import (
    FIRST,
    START_ERRORS,
    Shortage,
    checked,
    context,
    semaphores_missing,
    starting,
)
from server.models.standard_pool import StandardPool
from server.settings import Settings
from server.worker import carry
from server.worker.errands import in_own_thread
from server.worker.offspring import kill_with_offspring
from server.worker.timeline import Ran, Timeline

PER_POOL_PROCESS = 8  # as for threads: tutorials have no bound; memory has one
AHEAD = 15  # calls that the executor holds for each worker, which then never waits for the loop:
# with 15, no-ops reach 0.9 of the rate of a bare executor; with 1, less than 0.8


class ProcessCall:
    """One pickled call in a process of its own; `run` and `kill` may be called from any thread."""

    def __init__(self, context: BaseContext, shortage: Shortage, message: bytes) -> None:
        self._context: Any = context
        self._shortage = shortage
        self._message = message
        self._process: Any = None
        self._killed = False

    def run(self) -> bytes:
        """Start the process and wait for its answer; blocks.

        Raises BrokenProcessPool if the process dies, Refused if the system allows no more.
        """
        if self._killed:
            raise BrokenProcessPool("the call was given up before its process started")
        self._shortage.check()
        ours = None
        try:
            with starting(self._context):
                ours, theirs = self._context.Pipe(duplex=False)
                process = self._context.Process(
                    target=carry.once,
                    args=(theirs, carry.environment(), self._message),
                    daemon=True,
                )
                try:
                    process.start()
                finally:
                    theirs.close()
        except START_ERRORS as error:
            if ours:
                ours.close()
            raise self._shortage.note(error) from None
        self._shortage.clear()
        self._process = process
        if self._killed:
            self.kill()
        with ours:
            try:
                answer: bytes = ours.recv_bytes()
            except (EOFError, OSError):  # the latter in the middle of an answer
                raise BrokenProcessPool("the process ended without an answer") from None
            finally:
                process.join()
                kill_with_offspring(process.pid)  # it may have died by itself
                # Without the traceback of an error, nothing keeps it. It is not closed here: other
                # threads that start processes may be about to read its exit code, and would read
                # from whatever pipe has the number of its descriptor by then.
                self._process = process = None
        return answer

    def kill(self) -> None:
        """Kill the process and all that it has started, now or as soon as it runs."""
        self._killed = True
        if process := self._process:
            kill_with_offspring(process.pid)
            process.kill()  # before it leads a group, too


class _StartingProcesses(Offloaded):
    """A model that can run a call in a process of its own, `starters` of them at a time."""

    sized_by = "processes"
    starts_processes = True

    def __init__(self, settings: Settings, workers: int, starters: int, ahead: int = 0) -> None:
        super().__init__(settings, workers, ahead)
        self._context: BaseContext
        self._shortage = Shortage()
        # Starting a process and waiting for its answer block, so each call needs a thread.
        self._starters = ThreadPoolExecutor(starters, thread_name_prefix="process-starter")

    async def start(self) -> None:
        self._context = context(self.settings)

    def _prepare(self, job: Job) -> ProcessCall:
        return ProcessCall(self._context, self._shortage, pickled(job))

    async def dispatch_again(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        with visit:
            call = self._prepare(job)
        return await self.submit_and_wait(
            lambda: self._starters.submit(call.run), timeline, visit, call.kill
        )

    async def stop(self) -> None:
        self._starters.shutdown(wait=False, cancel_futures=True)


class ProcessPerRequest(_StartingProcesses):
    doc = "In a new process for each request."
    dispatch = _StartingProcesses.dispatch_again

    def __init__(self, settings: Settings) -> None:
        workers = PER_POOL_PROCESS * settings.processes
        super().__init__(settings, workers, workers)

    async def start(self) -> None:
        await super().start()
        call = self._prepare(FIRST)  # starts the fork server too
        checked(received(await asyncio.wrap_future(self._starters.submit(call.run))))


class ProcessPool(_StartingProcesses):
    """A standard executor, replaced when it has lost a worker, and with it all calls in flight.

    Nothing shows which of those calls crashed the worker. So each of them is retried in a process
    of its own, as many at a time as the pool has workers: only the one that crashes fails.
    """

    doc = "In a bounded pool of processes, as most people write it."
    promises: ClassVar = Promises(
        {
            **dict.fromkeys(
                ("kills_late", "kills_abandoned"),
                "the standard pool loses all calls with one worker: late work keeps its worker",
            ),
            "cancels_queued": "what the standard pool holds ahead of its workers is run: "
            "as many calls as it has workers, more if they are short",
        }
    )

    # A cancelled call among those of a broken executor ends the executor's thread before it has
    # failed the others (Python 3.11). Past their deadline, workers skip calls by themselves.
    withdraws = False

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        return semaphores_missing()

    def __init__(self, settings: Settings) -> None:
        workers = settings.processes
        super().__init__(settings, workers, workers, AHEAD * workers)
        self._pool: StandardPool | None = None
        self._waiting: deque[asyncio.Future[StandardPool]] = deque()
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="process-pool-starter")
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await super().start()
        self._pool = await self._start_pool()

    async def _start_pool(self) -> StandardPool:
        return await asyncio.get_running_loop().run_in_executor(
            self._starter, StandardPool, self._context, self.settings.processes
        )

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        with visit:
            pool, remote = await self._submit(pickled(job), timeline)
        try:
            ran = await self.submit_and_wait(lambda: remote, timeline, visit)
        except BrokenExecutor:
            self._drop(pool)
            raise
        self.queued_behind_previous(ran, timeline)
        return ran

    async def _submit(
        self, message: bytes, timeline: Timeline
    ) -> tuple[StandardPool, Future[bytes]]:
        """Send a call, through the next executor if this one turns out to be broken."""
        while True:
            pool = self._pool or await self._next(timeline)
            try:
                return pool, pool.submit(message)
            except BrokenExecutor:
                self._drop(pool)

    async def _next(self, timeline: Timeline) -> StandardPool:
        """Wait for the executor that replaces a broken one.

        Raises Refused if it cannot be started, Expired past the deadline.
        """
        if self._starting is None:
            self._shortage.check()
            self._starting = asyncio.create_task(self._replace())
        turn: asyncio.Future[StandardPool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.bulkhead.deadlines.watch(turn, timeline.accepted, "waited for a worker past")
        try:
            return await turn
        finally:
            self.bulkhead.deadlines.forget(turn)

    def _drop(self, broken: StandardPool) -> None:
        """Discard an executor: a standard one is useless once it has lost a worker."""
        if self._pool is broken:
            self._pool = None
            self.restarted += 1
            self.finished.clear()
            self._starter.submit(broken.end)  # before the next one is started

    async def _replace(self) -> None:
        refusal: Refused | None = None
        try:
            self._pool = await self._start_pool()
            self._shortage.clear()
        except (*START_ERRORS, BrokenExecutor) as error:
            refusal = self._shortage.note(error)
        self._starting = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # expired or cancelled in the same moment
                if refusal:
                    turn.set_exception(refusal)
                else:
                    assert self._pool
                    turn.set_result(self._pool)

    async def stop(self) -> None:
        if self._starting:
            self._starting.cancel()
        self._starter.shutdown(wait=False, cancel_futures=True)
        await super().stop()
        if self._pool:
            try:
                await in_own_thread(self._pool.close, self.gauges()["busy"])
            except RuntimeError:  # the system allows no more threads
                self._pool.close(self.settings.processes)
