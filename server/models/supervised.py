"""A pool of processes that are watched one by one: timed out, killed and replaced each by itself.

    request ── bulkhead ── idle worker ──(socketpair)── worker process: one call at a time
                               ▲                              │
                               └── ready, or replaced ◄── answer, or end of file: it has died

No lock and no queue is shared between the workers. So a worker that is killed, at whatever
moment, takes with it the one call that it held, and nothing else.
"""

from __future__ import annotations

import asyncio
import pickle
from collections import deque
from concurrent.futures import BrokenExecutor
from typing import Any, ClassVar

from server.models.base import Promises
from server.models.hopping import Hopping, Job, untravelled
from server.models.processes import START_S, context
from server.models.worker_process import WorkerProcess
from server.settings import Settings
from server.timeline import Ran, Timeline
from server.worker import TOO_LATE

PAUSE_S = 0.1  # before a worker is replaced that died while it started; doubled each time
LONGEST_PAUSE_S = 5.0


class SupervisedProcessPool(Hopping):
    doc = "In processes that are timed out, killed and replaced one by one."
    promises: ClassVar = Promises(
        bounded=True, expires_queued=True, survives_crash=True, kills_late=True
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.processes)
        self._workers: list[WorkerProcess] = []
        self._idle: deque[WorkerProcess] = deque()
        self._wanted: deque[asyncio.Future[WorkerProcess]] = deque()
        self._replacing: set[asyncio.Task[None]] = set()
        self._stopping = False

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        if settings.start_method == "fork":
            return (
                "under fork its workers would inherit each other's sockets, and a death would go "
                "unnoticed: use --start-method forkserver or spawn"
            )
        return None

    async def start(self) -> None:
        async with asyncio.timeout(START_S):
            await asyncio.gather(*(self._add() for _ in range(self.settings.processes)))

    async def _add(self) -> None:
        """Start one worker, again and again if it dies before it is ready."""
        pause_s = PAUSE_S
        while not self._stopping:
            worker = WorkerProcess(context(self.settings), self._lost)
            self._workers.append(worker)
            if await worker.start():
                self._ready(worker)
                return
            self._workers.remove(worker)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _ready(self, worker: WorkerProcess) -> None:
        while self._wanted:
            wanting = self._wanted.popleft()
            if not wanting.done():
                wanting.set_result(worker)
                return
        self._idle.append(worker)

    def _lost(self, worker: WorkerProcess) -> None:
        """Replace a worker that was ready and has died."""
        self._workers.remove(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._stopping:
            self.restarted += 1
            task = asyncio.create_task(self._add())
            self._replacing.add(task)
            task.add_done_callback(self._replacing.discard)

    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        try:
            message = _pickled(job)
            worker = await self._take(timeline)
            try:
                answer = await self._ask(worker, message, timeline)
            finally:
                if worker.free:
                    self._ready(worker)
        finally:
            self.bulkhead.leave()
        if not isinstance(answer, Ran):
            raise untravelled(answer)
        if answer.failure == TOO_LATE:
            raise self.bulkhead.deadlines.late("waited for a worker past")
        return answer

    async def _take(self, timeline: Timeline) -> WorkerProcess:
        """Take an idle worker: the bulkhead says that there is one, or one is being replaced."""
        if self._idle:
            return self._idle.popleft()
        wanting: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        self._wanted.append(wanting)
        self.bulkhead.deadlines.watch(wanting, timeline.accepted, "waited for a worker past")
        try:
            return await wanting
        except asyncio.CancelledError:
            if not wanting.cancelled():  # it came in the moment of the cancellation
                self._ready(wanting.result())
            raise
        finally:
            self.bulkhead.deadlines.forget(wanting)

    async def _ask(self, worker: WorkerProcess, message: bytes, timeline: Timeline) -> Any:
        back = worker.ask(message)
        self.bulkhead.deadlines.watch(back, timeline.accepted, "was not done by")
        try:
            return await back
        except BrokenExecutor:
            raise
        except BaseException:
            worker.kill()  # past the deadline, or nobody waits any more: another takes its place
            raise
        finally:
            self.bulkhead.deadlines.forget(back)

    def workers(self) -> list[dict[str, Any]]:
        return [worker.shown() for worker in self._workers]

    async def stop(self) -> None:
        self._stopping = True
        for task in self._replacing:
            task.cancel()
        for worker in self._workers:
            worker.stop()


def _pickled(job: Job) -> bytes:
    try:
        return pickle.dumps(tuple(job), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs code of the arguments' own
        raise untravelled(error) from None
