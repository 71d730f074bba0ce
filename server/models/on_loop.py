"""The models that stay on the event loop: work that blocks it, and work that is awaited on it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from math import inf
from time import monotonic
from typing import Any, ClassVar

from server.admission.bulkhead import Bulkhead, Visit
from server.errors import CannotRun
from server.models.base import (
    CRASHES_SERVER,
    Arguments,
    Function,
    Model,
    Positional,
    Promises,
    Work,
    result_of,
)
from server.settings import Settings
from server.worker import offspring
from server.worker.carry import carry
from server.worker.coroutines import Awaited
from server.worker.errands import in_own_thread
from server.worker.outcomes import raised
from server.worker.results import LARGE, harmless, weight, written
from server.worker.timeline import Ran, Timeline

UNREAD = "requests wait unread in their sockets, where the server cannot see them"
ALONE = "nothing else runs on the event loop until the work ends"
NESTED = (
    "it is async, and the event loop that inline blocks cannot run another one meanwhile: model "
    "async awaits it on that loop, and blocks it as far as the work does"
)
TASKS = 10_000  # coroutines are cheap: this bounds nothing but memory


class Inline(Model):
    doc = "On the event loop, blocking it: the classic mistake, and the baseline."
    promises: ClassVar = Promises(
        {
            **dict.fromkeys(("bounded", "expires_queued", "cancels_queued"), UNREAD),
            **dict.fromkeys(("kills_late", "kills_abandoned"), ALONE),
            "survives_crash": CRASHES_SERVER,
        }
    )

    def impossible(self, work: Work) -> str | None:
        return NESTED if isinstance(work.function, Awaited) else None

    async def call(
        self, function: Function, positional: Positional, named: Arguments, timeline: Timeline
    ) -> Any:
        timeline.requested = timeline.granted = monotonic()
        ran = carry(function, positional, named)
        timeline.stage(ran)
        return result_of(ran)


class Native(Model):
    doc = (
        "On the event loop, natively: the workload's async version is awaited. It ends late work "
        "where that awaits something, unless it catches its cancellation."
    )
    promises: ClassVar = Promises({"survives_crash": CRASHES_SERVER})

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._bulkhead = Bulkhead.of(settings, TASKS)
        self._running: set[asyncio.Task[Ran]] = set()  # the event loop holds only weak references

    def impossible(self, work: Work) -> str | None:
        return None if work.native else "it has no async version (declare one with @native)"

    async def run(self, work: Work, arguments: Arguments, timeline: Timeline) -> Any:
        if work.native is None:
            raise CannotRun(str(self.impossible(work)))
        return await self.call(work.native, (), arguments, timeline)

    async def call(
        self, function: Function, positional: Positional, named: Arguments, timeline: Timeline
    ) -> Any:
        timeline.requested = monotonic()
        try:
            await self._bulkhead.enter(timeline.accepted)
            timeline.granted = monotonic()
            work = _carry(partial(function, *positional, **named))
            ran = await self._await(work, timeline, Visit(self._bulkhead, timeline.requested))
        except asyncio.CancelledError:
            self._bulkhead.cancelled += 1
            raise
        timeline.stage(ran)
        return result_of(ran)

    async def _await(self, work: Coroutine[Any, Any, Ran], timeline: Timeline, visit: Visit) -> Ran:
        """Await the work in a task of its own, until the deadline at most. Raises Expired.

        Work that cancels its own task, as asyncio.TaskGroup does, does not cancel the request.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Ran] = loop.create_future()
        self._bulkhead.deadlines.watch(done, timeline.accepted, "was not done by")
        task = loop.create_task(work)
        self._running.add(task)
        task.add_done_callback(partial(self._finish, done, visit))
        try:
            return await done
        except BaseException:  # late, or the client has disconnected
            if not task.done():
                visit.abandon()
                task.cancel()
            raise

    def _finish(self, done: asyncio.Future[Ran], visit: Visit, task: asyncio.Task[Ran]) -> None:
        self._running.discard(task)
        self._bulkhead.deadlines.forget(done)
        visit.leave()
        if not done.done():
            if task.cancelled():  # before its first step
                done.cancel()
            else:
                done.set_result(task.result())

    def gauges(self) -> dict[str, int]:
        return self._bulkhead.gauges()


async def _carry(work: Callable[[], Awaitable[Any]]) -> Ran:
    """Await the work between two time stamps; an exception becomes a plain failure."""
    result, failure, started = None, None, monotonic()
    try:
        result = await work()
        if result is not None and (size := weight(result)) >= LARGE:
            writing = partial(written, result, plain=size < inf)
            if size == inf and harmless(result):
                result, failure = writing()
            else:
                result, failure = await in_own_thread(writing)
    except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the event loop
        result, failure = None, raised(error)
    if os.getpid() != offspring.carrier:  # the work has forked this copy
        os._exit(0)
    finished = monotonic()
    # The loop's thread runs other requests meanwhile, so the CPU time of this one is unknown.
    thread = threading.current_thread().name
    return Ran(started, finished, None, os.getpid(), thread, result, failure)
