"""Threads: a new one for each request, or a bounded pool of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ClassVar

from server.admission.bulkhead import Visit
from server.models.base import CRASHES_SERVER, Promises
from server.models.messages import Job
from server.models.offloaded import Offloaded
from server.settings import Settings
from server.worker.carry import carry
from server.worker.errands import in_new_thread
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

    async def stop(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
