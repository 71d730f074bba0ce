"""Processes: a new one for each request, or a bounded pool as most people write it."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from math import inf
from multiprocessing.context import BaseContext
from pickle import PicklingError
from typing import Any, ClassVar

from server import worker
from server.models.base import Promises
from server.models.hopping import Hopping, Job
from server.settings import Settings
from server.timeline import Ran, Timeline

PER_POOL_PROCESS = 8  # as for threads: tutorials have no bound, memory has
AHEAD = 15  # calls held by the executor for each worker, which then never waits for the loop:
# with 15, no-ops reach 0.9 of the rate of a bare executor, with 1 below 0.8
START_S = 30  # a worker that has not started by then never will


def context(settings: Settings) -> BaseContext:
    """Give the start method, with the workloads loaded once in the fork server.

    Forking a process that has threads can leave locks held for ever in the child, so the default
    start method is forkserver.
    """
    chosen = multiprocessing.get_context(settings.start_method)
    if settings.start_method == "forkserver":
        chosen.set_forkserver_preload(["__main__", *settings.preload()])
    return chosen


class ProcessPerRequest(Hopping):
    doc = "In a new process for each request."
    promises: ClassVar = Promises(bounded=True, expires_queued=True, survives_crash=True)

    def __init__(self, settings: Settings) -> None:
        workers = PER_POOL_PROCESS * settings.processes
        super().__init__(settings, workers)
        self._context: Any = context(settings)
        # Starting a process and waiting for its answer block: a thread each, not the event loop.
        self._starters = ThreadPoolExecutor(workers, thread_name_prefix="process-starter")

    async def start(self) -> None:
        job = Job(int, (), {}, inf)  # starts the fork server too
        await asyncio.wrap_future(self._starters.submit(self._one, job))

    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        return await self.bring_back(lambda: self._starters.submit(self._one, job), timeline)

    def _one(self, job: Job) -> Ran:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=worker.once,
            args=(theirs, worker.environment(), *job),
            daemon=True,
        )
        with ours:
            with theirs:
                process.start()
            try:
                answer: Ran | PicklingError = ours.recv()
            except EOFError:
                raise BrokenProcessPool("the process ended without an answer") from None
            finally:
                process.join()
        if isinstance(answer, PicklingError):
            raise answer
        return answer

    async def stop(self) -> None:
        self._starters.shutdown(wait=False, cancel_futures=True)


class ProcessPool(Hopping):
    doc = "In a bounded pool of processes, as most people write it."
    promises: ClassVar = Promises(bounded=True, expires_queued=True, survives_crash=True)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.processes, ahead=AHEAD * settings.processes)
        self._executor: ProcessPoolExecutor

    def _make(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.settings.processes,
            mp_context=context(self.settings),
            initializer=worker.begin,
            initargs=(worker.environment(),),
        )

    async def start(self) -> None:
        await asyncio.to_thread(self._start_all)

    def _start_all(self) -> None:
        self._executor = self._make()
        # The executor starts a worker for each call that finds none idle.
        calls = [self._submit(Job(int, (), {}, inf)) for _ in range(self.settings.processes)]
        wait(calls, START_S)
        for call in calls:
            call.result(0)

    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        ran = await self.bring_back(lambda: self._submit(job), timeline)
        self.held_ahead(ran, timeline)
        return ran

    def _submit(self, job: Job) -> Future[Ran]:
        try:
            return self._executor.submit(worker.carry, *job)
        except BrokenExecutor:
            self._replace()
            return self._executor.submit(worker.carry, *job)

    def _replace(self) -> None:
        """Make a new executor: the standard one is of no use once it has lost a worker."""
        self.restarted += 1
        self.finished.clear()
        self._executor.shutdown(wait=False)
        self._executor = self._make()

    async def stop(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
