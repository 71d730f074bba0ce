"""Threads: a new one for each request, or a bounded pool of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import ClassVar

from server.admission.bulkhead import Visit
from server.models.base import CRASHES_SERVER, Promises
from server.models.messages import Job
from server.models.offloaded import Offloaded
from server.settings import Settings
from server.worker.carry import carry
from server.worker.errands import in_new_thread, in_own_thread
from server.worker.resources import CLOSE_S, close_thread, in_threads
from server.worker.timeline import Ran, Timeline

PER_POOL_THREAD = 8  # tutorials start a thread per request without a bound; memory has one
OF_THREADS = Promises(
    {
        **dict.fromkeys(
            ("kills_late", "kills_abandoned"), "a thread cannot be killed: it is busy until it ends"
        ),
        "survives_crash": CRASHES_SERVER,
    }
)


class ThreadPerRequest(Offloaded):
    doc = "In a new thread for each request."
    promises: ClassVar = OF_THREADS
    sized_by = "threads"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, PER_POOL_THREAD * settings.threads)

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        return await self.submit_and_wait(
            partial(in_new_thread, partial(carry, *job)), timeline, visit
        )


class ThreadPool(Offloaded):
    doc = "In a bounded pool of threads."
    promises: ClassVar = OF_THREADS
    sized_by = "threads"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.threads)
        self._executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="thread-pool")

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        return await self.submit_and_wait(
            lambda: self._executor.submit(carry, *job), timeline, visit
        )

    def _close(self) -> None:
        """Let each thread that is not stuck in work close what it has opened; blocks."""
        idle = self.settings.threads - self.gauges()["busy"]
        meeting = Barrier(max(idle, 1))  # so that no thread takes the call of another

        def close() -> None:
            with suppress(BrokenBarrierError):
                meeting.wait(CLOSE_S)
            close_thread()

        wait([self._executor.submit(close) for _ in range(idle)], CLOSE_S)

    async def stop(self) -> None:
        if in_threads():
            with suppress(RuntimeError):  # the system allows no more threads
                await in_own_thread(self._close)
        self._executor.shutdown(wait=False, cancel_futures=True)
