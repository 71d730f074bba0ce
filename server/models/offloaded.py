"""What the models that run work off the event loop have in common: bulkhead, retry, and waiting."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from server.admission.bulkhead import COVER_S, Bulkhead, Visit
from server.errors import Refused, ServerError, WorkFailed
from server.models.base import Arguments, Function, Model, Positional, result_of
from server.models.messages import Job, not_sent, received
from server.settings import Settings
from server.worker.carry import TOO_LATE
from server.worker.timeline import Ran, Timeline


class Offloaded(Model):
    """Run work on an executor with a number of workers, behind a bounded queue.

    Names: `remote` is the executor's future, which other threads resolve; `local` is the event
    loop's, which the request waits for.
    """

    # Whether the executor tolerates cancelling a call that it has not started.
    withdraws: ClassVar[bool] = True

    def __init__(
        self, settings: Settings, workers: int, ahead: int = 0, cover_s: float = COVER_S
    ) -> None:
        super().__init__(settings)
        self.bulkhead = Bulkhead.of(settings, workers, ahead, cover_s)
        self.restarted = 0
        self.lost = 0
        self.finished: dict[tuple[int, str], float] = {}

    @abstractmethod
    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        """Run the call on a worker, and end the visit once that worker is free again.

        Models that send calls ahead of a free worker set `timeline.granted` to the time at which
        one was free. Raises BrokenExecutor if the worker died, Expired past the deadline.
        """

    async def dispatch_again(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        """Run a call that may have killed its worker; raises as `dispatch` does."""
        return await self.dispatch(job, timeline, visit)

    async def call(
        self, function: Function, positional: Positional, named: Arguments, timeline: Timeline
    ) -> Any:
        timeline.requested = monotonic()
        until = timeline.accepted + self.bulkhead.deadlines.seconds
        try:
            ran = await self._with_retry(Job(function, positional, named, until), timeline)
        except asyncio.CancelledError:
            self.bulkhead.cancelled += 1
            raise
        timeline.stage(ran)
        return result_of(ran)

    async def _with_retry(self, job: Job, timeline: Timeline) -> Ran:
        """Dispatch the call, and once more if its worker dies. Raises WorkFailed if both do."""
        for again in (False, True):
            await self.bulkhead.enter(timeline.accepted, again=again)
            timeline.granted = monotonic()
            visit = Visit(self.bulkhead, timeline.requested)
            try:
                return await (self.dispatch_again if again else self.dispatch)(job, timeline, visit)
            except BrokenExecutor:
                self.lost += 1
            except Refused:  # no worker is left, and none can be started
                self.bulkhead.refused += 1
                raise
        raise WorkFailed(
            "the worker died under this request, and so did the worker of its retry",
            "The work may crash its interpreter, or run out of memory.",
        )

    def queued_behind_previous(self, ran: Ran, timeline: Timeline) -> None:
        """Count as queued the time during which the call's worker was busy with another call."""
        worker = (ran.pid, ran.thread)
        before = self.finished.get(worker, 0.0)
        self.finished[worker] = ran.finished
        timeline.granted = min(max(timeline.granted, before), ran.started)

    async def submit_and_wait(
        self,
        submit: Callable[[], Future[Any]],
        timeline: Timeline,
        visit: Visit,
        kill: Callable[[], None] = lambda: None,
    ) -> Ran:
        """Submit a call to an executor, and wait for its result until the deadline.

        The executor returns a Ran, or a worker's answer in bytes. `kill` ends work that has begun,
        if the model can: it is called when the request no longer waits.
        """
        loop = asyncio.get_running_loop()
        local: asyncio.Future[Ran] = loop.create_future()
        with visit:
            remote = submit()
        self.bulkhead.deadlines.watch(local, timeline.accepted, "was not done by")
        remote.add_done_callback(partial(_call_soon, loop, self._finish, local, visit))
        try:
            return await local
        except BaseException:
            # Late, or the client has disconnected: a call that has not begun never will.
            if not remote.done() and not (self.withdraws and remote.cancel()):
                visit.abandon()
                kill()
            raise

    def _finish(self, local: asyncio.Future[Ran], visit: Visit, remote: Future[Any]) -> None:
        self.bulkhead.deadlines.forget(local)
        outcome = _outcome(remote)
        # A call that no worker spent time on says nothing about how long calls take.
        worked = isinstance(outcome, Ran) and outcome.failure != TOO_LATE
        visit.leave(worked=worked)
        if local.done():
            return
        if outcome is None:
            local.cancel()
        elif not isinstance(outcome, Ran):
            ours = isinstance(outcome, BrokenExecutor | ServerError)
            local.set_exception(outcome if ours else not_sent(outcome))
        elif worked:
            local.set_result(outcome)
        else:
            local.set_exception(self.bulkhead.deadlines.late("waited for a worker past"))

    def gauges(self) -> dict[str, int]:
        return {**self.bulkhead.gauges(), "restarted": self.restarted, "lost": self.lost}


def _outcome(remote: Future[Any]) -> Ran | BaseException | None:
    """The result of a call, or the error raised instead; None if the call was cancelled."""
    try:
        answer = remote.result()  # one call, because each takes the future's lock
    except BaseException as error:  # noqa: BLE001 - whatever the executor raised
        return None if remote.cancelled() else error
    return received(answer) if isinstance(answer, bytes) else answer


def _call_soon(loop: asyncio.AbstractEventLoop, *callback: Any) -> None:
    try:  # noqa: SIM105 - suppress() would cost each call 0.4 µs
        loop.call_soon_threadsafe(*callback)
    except RuntimeError:  # the loop is closed: no request waits any more
        pass
