"""A pool whose processes are supervised one by one: each is timed out, killed and replaced alone.

    request ── bulkhead ── calls that wait ── free worker ──(socketpair)── worker process
                                                  ▲                              │
                 ready, or done, or replaced ─────┴──── answer, or end of file: it died

A worker holds one call at a time. Calls that were let in ahead wait in the server, for whichever
worker is free first.

The workers share no lock and no queue. So a worker that is killed, at whatever moment, loses the
one call that it held, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from multiprocessing.context import BaseContext
from time import monotonic
from typing import Any

from server.admission.bulkhead import Visit
from server.errors import Expired, Refused, WorkFailed
from server.models.messages import Job, pickled
from server.models.offloaded import Offloaded
from server.models.process_start import (
    START_ERRORS,
    START_S,
    Shortage,
    context,
    still_running,
)
from server.models.processes import AHEAD
from server.models.supervised.worker_process import WorkerCall, WorkerProcess
from server.settings import Settings
from server.worker.carry import TOO_LATE
from server.worker.errands import in_own_thread
from server.worker.offspring import kill_with_offspring
from server.worker.timeline import Ran, Timeline

PAUSE_S = 0.1  # before replacing a worker that died while it started; doubled each time
LONGEST_PAUSE_S = 5.0
GRACE_S = 0.05  # for work whose client has disconnected


class Reaper:
    """Kills abandoned calls: `per_s` each second, and as many at once (a token bucket).

    A worker takes longer to start than most calls take to end. So work that is nearly done may
    finish, mass disconnects do not cause mass restarts, and a call that finds no token keeps
    running until there is one.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = float(per_s)
        self._tokens = self._per_s
        self._counted = monotonic()

    def abandon(self, call: WorkerCall) -> None:
        """Kill the worker that holds this call, unless the call ends by itself soon."""
        asyncio.get_running_loop().call_later(GRACE_S, self._reap, call)

    def _reap(self, call: WorkerCall) -> None:
        if call.holder is None:
            return
        now = monotonic()
        self._tokens = min(self._tokens + self._per_s * (now - self._counted), self._per_s)
        self._counted = now
        if self._tokens >= 1:
            self._tokens -= 1
            call.holder.kill()
        else:
            wait_s = (1 - self._tokens) / self._per_s
            asyncio.get_running_loop().call_later(wait_s, self._reap, call)


class SupervisedProcessPool(Offloaded):
    doc = "In processes that are timed out, killed and replaced one by one."
    sized_by = "processes"
    starts_processes = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.processes, ahead=AHEAD * settings.processes)
        self._context: BaseContext
        self._workers: list[WorkerProcess] = []
        self._idle: deque[WorkerProcess] = deque()
        self._waiting: deque[WorkerCall] = deque()
        self._replacing: set[asyncio.Task[None]] = set()
        self._reaper = Reaper(settings.processes)
        self._shortage = Shortage()
        self._ready = self._stopping = False

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        if settings.start_method == "fork":
            return (
                "under fork its workers would inherit each other's sockets, and a death would go "
                "unnoticed: use --start-method forkserver or spawn"
            )
        return None

    async def start(self) -> None:
        self._context = context(self.settings)
        async with asyncio.timeout(START_S):
            await asyncio.gather(*(self._add() for _ in range(self.settings.processes)))
        self._ready = True

    async def _add(self) -> None:
        """Start one worker, again and again if it dies before it is ready."""
        pause_s = PAUSE_S
        while not self._stopping:
            worker = WorkerProcess(self._context, self._free, self._lost)
            self._workers.append(worker)
            try:
                async with asyncio.timeout(START_S):
                    if await worker.start():
                        self._shortage.clear()
                        return
            except START_ERRORS as error:
                if not self._ready:
                    raise
                worker.stop()
                self._refuse(self._shortage.note(error))
            self._workers.remove(worker)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _refuse(self, refusal: Refused) -> None:
        """Refuse the calls that wait, unless there is a worker that will take them."""
        while self._waiting and not self._able():
            call = self._waiting.popleft()
            call.visit.leave(worked=False)
            if not call.local.done():
                call.local.set_exception(refusal)

    def _able(self) -> bool:
        return any(worker.ready for worker in self._workers)

    def _free(self, worker: WorkerProcess) -> None:
        """Give a worker that is ready, or done, the call that has waited longest, at once."""
        while self._waiting:
            call = self._waiting.popleft()
            if call.local.done():  # given up in the same moment
                call.visit.leave(worked=False)
            else:
                worker.take(call)
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

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        deadlines = self.bulkhead.deadlines
        with visit:
            if self._shortage and not self._able():
                raise self._shortage.refusal()
            message = pickled(job)
        local = asyncio.get_running_loop().create_future()
        call = WorkerCall(message, local, visit)
        deadlines.watch(local, timeline.accepted, "was not done by")
        if self._idle:
            self._idle.popleft().take(call)
        else:
            self._waiting.append(call)
        try:
            answer: Ran | WorkFailed = await local
        except BrokenExecutor:
            raise
        except BaseException as error:
            self._give_up(call, late=isinstance(error, Expired))
            raise
        finally:
            deadlines.forget(local)
        if isinstance(answer, WorkFailed):
            raise answer
        if answer.failure == TOO_LATE:
            raise deadlines.late("waited for a worker past")
        timeline.granted = call.sent
        return answer

    def _give_up(self, call: WorkerCall, *, late: bool) -> None:
        """Drop a call whose request no longer waits; kill and replace a worker that holds it."""
        if call in self._waiting:
            self._waiting.remove(call)
            call.visit.leave(worked=False)
        elif call.holder:
            call.visit.abandon()
            if late:
                call.holder.kill()
            else:
                self._reaper.abandon(call)

    def workers(self) -> list[dict[str, Any]]:
        return [worker.shown() for worker in self._workers]

    async def stop(self) -> None:
        self._stopping = True
        for task in self._replacing:
            task.cancel()
        for worker in self._workers:
            worker.stop()
        ending = [worker.process for worker in self._workers if worker.pid]
        with suppress(RuntimeError):  # the system allows no more threads
            await in_own_thread(still_running, ending)
        for process in ending:
            kill_with_offspring(process.pid)
