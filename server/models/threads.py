"""Threads: a new one for each request, or a bounded pool of them."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar

from server.models.hopping import Hopping, Job
from server.settings import Settings
from server.timeline import Ran
from server.worker import carry

PER_POOL_THREAD = 8  # a thread for each request is unbounded in tutorials; memory is not


class ThreadPerRequest(Hopping):
    doc = "In a new thread for each request."
    promises: ClassVar = {"bounded": True, "expires_queued": True, "survives_crash": False}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, PER_POOL_THREAD * settings.threads)

    def submit(self, job: Job) -> Future[Ran]:
        away: Future[Ran] = Future()
        away.set_running_or_notify_cancel()

        def body() -> None:
            away.set_result(carry(*job))

        threading.Thread(target=body, daemon=True).start()
        return away


class ThreadPool(Hopping):
    doc = "In a bounded pool of threads."
    promises: ClassVar = {"bounded": True, "expires_queued": True, "survives_crash": False}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.threads)
        self._executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="thread-pool")

    def submit(self, job: Job) -> Future[Ran]:
        return self._executor.submit(carry, *job)

    async def stop(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
