"""The models that never leave the event loop: blocking it, or awaiting on it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar

from server.admission import Bulkhead
from server.errors import CannotRun
from server.models.base import Arguments, Model, Promises, Work, result_of
from server.settings import Settings
from server.timeline import Ran, Timeline
from server.worker import carry

TASKS = 10_000  # coroutines are cheap: this bounds memory, nothing else


class Inline(Model):
    doc = "On the event loop, blocking it: the classic mistake, and the baseline."
    promises: ClassVar = Promises(bounded=False, expires_queued=False)

    async def call(
        self,
        function: Callable[..., Any],
        positional: tuple[Any, ...],
        named: Arguments,
        timeline: Timeline,
    ) -> Any:
        asked = monotonic()
        ran = carry(function, positional, named)
        timeline.stage(asked, asked, ran)
        return result_of(ran)


class Native(Model):
    doc = "On the event loop, natively: the workload's asynchronous twin is awaited."
    promises: ClassVar = Promises(bounded=True, expires_queued=True)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._bulkhead = Bulkhead(TASKS, settings.queue, settings.deadline)

    def impossible(self, work: Work) -> str | None:
        return None if work.native else "it has no asynchronous twin (declare one with @native)"

    async def run(self, work: Work, arguments: Arguments, timeline: Timeline) -> Any:
        if work.native is None:
            raise CannotRun(str(self.impossible(work)))
        return await self.call(work.native, (), arguments, timeline)

    async def call(
        self,
        function: Callable[..., Any],
        positional: tuple[Any, ...],
        named: Arguments,
        timeline: Timeline,
    ) -> Any:
        asked = monotonic()
        await self._bulkhead.enter(timeline.accepted)
        started = monotonic()
        result, failure = None, None
        try:
            async with asyncio.timeout(
                self._bulkhead.deadlines.remaining(timeline.accepted)
            ) as deadline:
                result = await function(*positional, **named)
        except BaseException as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the request itself is cancelled, not only something in the work
            if deadline.expired():
                raise self._bulkhead.deadlines.late("was not done by") from None
            failure = (type(error).__name__, str(error))
        finally:
            self._bulkhead.leave()
        finished = monotonic()
        # The loop's thread runs other requests meanwhile, so CPU time cannot be told apart.
        thread = threading.current_thread().name
        ran = Ran(started, finished, None, os.getpid(), thread, result, failure)
        timeline.stage(asked, started, ran)
        return result_of(ran)

    def gauges(self) -> dict[str, int]:
        return self._bulkhead.gauges()
