"""The models that never leave the event loop: blocking it, or awaiting on it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from time import monotonic
from typing import Any, ClassVar

from server.admission import Bulkhead
from server.errors import CannotRun
from server.models.base import CRASHES_SERVER, Arguments, Model, Promises, Work, result_of
from server.settings import Settings
from server.timeline import Ran, Timeline
from server.worker import carry

UNREAD = "requests wait unread in their sockets, where nobody can tell them apart"
ALONE = "nothing else runs on the event loop until the work ends"
TASKS = 10_000  # coroutines are cheap: this bounds memory, nothing else


class Inline(Model):
    doc = "On the event loop, blocking it: the classic mistake, and the baseline."
    promises: ClassVar = Promises(
        {
            **dict.fromkeys(("bounded", "expires_queued", "cancels_queued"), UNREAD),
            **dict.fromkeys(("kills_late", "kills_abandoned"), ALONE),
            "survives_crash": CRASHES_SERVER,
        }
    )

    async def call(
        self,
        function: Callable[..., Any],
        positional: tuple[Any, ...],
        named: Arguments,
        timeline: Timeline,
    ) -> Any:
        timeline.asked = timeline.granted = monotonic()
        ran = carry(function, positional, named)
        timeline.stage(ran)
        return result_of(ran)


class Native(Model):
    doc = "On the event loop, natively: the workload's asynchronous twin is awaited."
    promises: ClassVar = Promises({"survives_crash": CRASHES_SERVER})

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._bulkhead = Bulkhead.of(settings, TASKS)

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
        timeline.asked = monotonic()
        try:
            await self._bulkhead.enter(timeline.accepted)
            timeline.granted = monotonic()
            try:
                ran = await self._carry(partial(function, *positional, **named), timeline)
            finally:
                self._bulkhead.leave(timeline.asked)
        except asyncio.CancelledError:
            self._bulkhead.cancelled += 1
            raise
        timeline.stage(ran)
        return result_of(ran)

    async def _carry(self, work: Callable[[], Awaitable[Any]], timeline: Timeline) -> Ran:
        """Await the work between its stamps. Raises Expired, by which the work is cancelled."""
        result, failure, deadlines = None, None, self._bulkhead.deadlines
        left_s = deadlines.remaining(timeline.accepted)
        try:
            async with asyncio.timeout(None if left_s == inf else left_s) as deadline:
                result = await work()
        except BaseException as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the request itself is cancelled, not only something in the work
            if deadline.expired():
                raise deadlines.late("was not done by") from None
            failure = (type(error).__name__, str(error))
        # The loop's thread runs other requests meanwhile, so CPU time cannot be told apart.
        thread = threading.current_thread().name
        return Ran(timeline.granted, monotonic(), None, os.getpid(), thread, result, failure)

    def gauges(self) -> dict[str, int]:
        return self._bulkhead.gauges()
