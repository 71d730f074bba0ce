"""The models that never leave the event loop: blocking it, or awaiting on it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from server.admission.bulkhead import Bulkhead
from server.errors import CannotRun
from server.models.base import CRASHES_SERVER, Arguments, Model, Promises, Work, result_of
from server.settings import Settings
from server.worker.carry import carry
from server.worker.outcomes import raised, unusable
from server.worker.timeline import Ran, Timeline

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
        self._running: set[asyncio.Task[Ran]] = set()  # the event loop itself may forget them

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
            ran = await self._await(_carry(partial(function, *positional, **named)), timeline)
        except asyncio.CancelledError:
            self._bulkhead.cancelled += 1
            raise
        timeline.stage(ran)
        return result_of(ran)

    async def _await(self, work: Coroutine[Any, Any, Ran], timeline: Timeline) -> Ran:
        """Await the work in a task of its own, until the deadline at most. Raises Expired.

        What it does to its task, as asyncio.TaskGroup does, is not taken for the request's end.
        """
        loop = asyncio.get_running_loop()
        back: asyncio.Future[Ran] = loop.create_future()
        self._bulkhead.deadlines.watch(back, timeline.accepted, "was not done by")
        task = loop.create_task(work)
        self._running.add(task)
        task.add_done_callback(partial(self._settle, back, timeline.asked))
        try:
            return await back
        except BaseException:  # late, or the client is gone
            if not task.done():
                self._bulkhead.abandon(back)
                task.cancel()
            raise

    def _settle(self, back: asyncio.Future[Ran], asked: float, task: asyncio.Task[Ran]) -> None:
        self._running.discard(task)
        self._bulkhead.deadlines.forget(back)
        self._bulkhead.leave(asked, back)
        if not back.done():
            if task.cancelled():  # before its first step
                back.cancel()
            else:
                back.set_result(task.result())

    def gauges(self) -> dict[str, int]:
        return self._bulkhead.gauges()


async def _carry(work: Callable[[], Awaitable[Any]]) -> Ran:
    """Await the work between its stamps; whatever it raises comes back as a plain failure."""
    result, failure, started = None, None, monotonic()
    try:
        result = await work()
    except BaseException as error:  # noqa: BLE001 - SystemExit too must not leave the event loop
        failure = raised(error)
    finished = monotonic()
    if result is not None and (failure := unusable(result)):
        result = None
    # The loop's thread runs other requests meanwhile, so CPU time cannot be told apart.
    thread = threading.current_thread().name
    return Ran(started, finished, None, os.getpid(), thread, result, failure)
