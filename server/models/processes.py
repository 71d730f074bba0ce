"""Processes: a new one for each request, or a bounded pool as most people write it."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from math import inf
from typing import ClassVar

from server.errors import Refused
from server.models.base import Promises
from server.models.errand import Errand
from server.models.messages import Job, pickled
from server.models.offloaded import Offloaded
from server.models.process_start import START_ERRORS, Shortage
from server.models.standard_pool import StandardPool
from server.settings import Settings
from server.worker.timeline import Ran, Timeline

PER_POOL_PROCESS = 8  # as for threads: tutorials have no bound, memory has
AHEAD = 15  # calls held by the executor for each worker, which then never waits for the loop:
# with 15, no-ops reach 0.9 of the rate of a bare executor, with 1 below 0.8


class ProcessPerRequest(Offloaded):
    doc = "In a new process for each request."

    def __init__(self, settings: Settings) -> None:
        workers = PER_POOL_PROCESS * settings.processes
        super().__init__(settings, workers)
        self._shortage = Shortage()
        # Starting a process and waiting for its answer block: a thread each, not the event loop.
        self._starters = ThreadPoolExecutor(workers, thread_name_prefix="process-starter")

    async def start(self) -> None:
        errand = self._errand(Job(int, (), {}, inf))  # starts the fork server too
        await asyncio.wrap_future(self._starters.submit(errand.run))

    def _errand(self, job: Job) -> Errand:
        return Errand(self.settings, self._shortage, pickled(job))

    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        with self.leaving_on_error(timeline):
            errand = self._errand(job)
        return await self.bring_back(
            lambda: self._starters.submit(errand.run), timeline, errand.kill
        )

    async def stop(self) -> None:
        self._starters.shutdown(wait=False, cancel_futures=True)


class ProcessPool(Offloaded):
    """A standard executor, replaced when it has lost a worker, and with it all calls in flight.

    Which of those calls took the worker down, nobody knows. So each of them is tried again in a
    process of its own, as many at a time as the pool has workers: only the culprit fails.
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

    # A cancelled call among those of a broken executor ends its thread before it has told the rest
    # (Python 3.11); at their deadline, workers drop calls by themselves.
    withdraws = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.processes, ahead=AHEAD * settings.processes)
        self._pool: StandardPool | None = None
        self._shortage = Shortage()
        self._waiting: deque[asyncio.Future[StandardPool]] = deque()
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="process-pool-starter")
        self._starting: asyncio.Task[None] | None = None
        self._alone = ThreadPoolExecutor(settings.processes, thread_name_prefix="process-starter")

    async def start(self) -> None:
        self._pool = await self._started()

    async def _started(self) -> StandardPool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._starter, StandardPool, self.settings)

    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        with self.leaving_on_error(timeline):
            pool, away = await self._submitted(pickled(job), timeline)
        try:
            ran = await self.bring_back(lambda: away, timeline)
        except BrokenExecutor:
            self._drop(pool)
            raise
        self.held_ahead(ran, timeline)
        return ran

    async def hop_again(self, job: Job, timeline: Timeline) -> Ran:
        with self.leaving_on_error(timeline):
            errand = Errand(self.settings, self._shortage, pickled(job))
        return await self.bring_back(lambda: self._alone.submit(errand.run), timeline, errand.kill)

    async def _submitted(
        self, message: bytes, timeline: Timeline
    ) -> tuple[StandardPool, Future[bytes]]:
        """Send a call, by the next executor if this one turns out to be broken."""
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
        """Have done with an executor: the standard one is of no use once it has lost a worker."""
        if self._pool is broken:
            self._pool = None
            self.restarted += 1
            self.finished.clear()
            self._starter.submit(broken.end)  # before the next one is started

    async def _replace(self) -> None:
        refusal: Refused | None = None
        try:
            self._pool = await self._started()
            self._shortage.over()
        except (*START_ERRORS, BrokenExecutor) as error:
            refusal = self._shortage.noted(error)
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
        for executor in (self._starter, self._alone):
            executor.shutdown(wait=False, cancel_futures=True)
        if self._pool:
            self._pool.close()
