"""Processes: a new one for each request, or a bounded pool as most people write it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from math import inf
from multiprocessing.context import BaseContext
from multiprocessing.util import get_temp_dir
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
        os.environ[worker.LEFTOVERS] = get_temp_dir()
        chosen.set_forkserver_preload(["server.leftovers", "__main__", *settings.preload()])
    return chosen


class ProcessPerRequest(Hopping):
    doc = "In a new process for each request."

    def __init__(self, settings: Settings) -> None:
        workers = PER_POOL_PROCESS * settings.processes
        super().__init__(settings, workers)
        self._context: Any = context(settings)
        # Starting a process and waiting for its answer block: a thread each, not the event loop.
        self._starters = ThreadPoolExecutor(workers, thread_name_prefix="process-starter")

    async def start(self) -> None:
        job = Job(int, (), {}, inf)  # starts the fork server too
        await asyncio.wrap_future(self._starters.submit(Errand(self._context, job).run))

    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        errand = Errand(self._context, job)
        return await self.bring_back(
            lambda: self._starters.submit(errand.run), timeline, errand.kill
        )

    async def stop(self) -> None:
        self._starters.shutdown(wait=False, cancel_futures=True)


class Errand:
    """One call in a process of its own."""

    def __init__(self, context: Any, job: Job) -> None:
        self._context = context
        self._job = job
        self._process: Any = None
        self._given_up = False

    def run(self) -> Ran:
        """Start the process and wait for its answer. Raises BrokenProcessPool if it dies."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=worker.once,
            args=(theirs, worker.environment(), *self._job),
            daemon=True,
        )
        with ours:
            with theirs:
                process.start()
            self._process = process
            if self._given_up:
                process.kill()
            try:
                answer: Ran | PicklingError = ours.recv()
            except (EOFError, OSError):  # the latter in the middle of an answer
                raise BrokenProcessPool("the process ended without an answer") from None
            finally:
                process.join()
        if isinstance(answer, PicklingError):
            raise answer
        return answer

    def kill(self) -> None:
        """End the process, from whichever thread, whether it has been started yet or not."""
        self._given_up = True
        if self._process:
            self._process.kill()


class ProcessPool(Hopping):
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
