"""What the models share whose work leaves the event loop: bulkhead, hop and way back."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from server.admission.bulkhead import COVER_S, Bulkhead
from server.errors import Refused, ServerError, WorkFailed
from server.models.base import Arguments, Model, result_of
from server.models.messages import Job, opened, untravelled
from server.settings import Settings
from server.worker.carry import TOO_LATE
from server.worker.timeline import Ran, Timeline


class Handover:
    """Leaves a bulkhead if its block fails. A class: a generator costs each call a microsecond."""

    __slots__ = ("_asked", "_bulkhead")

    def __init__(self, bulkhead: Bulkhead, asked: float) -> None:
        self._bulkhead = bulkhead
        self._asked = asked

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._bulkhead.leave(self._asked, worked=False)


class Offloaded(Model):
    """Run work on some executor of so many workers, behind a bounded queue.

    The worker is held until the work ends, even when its request was answered at the deadline.
    `withdraws` says whether the executor bears that a call is cancelled which has not begun.
    """

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
    async def hop(self, job: Job, timeline: Timeline) -> Ran:
        """Run the call elsewhere, and leave the bulkhead once its worker is free again.

        Calls that are held ahead say in `timeline.granted` when a worker was there for them.
        Raises BrokenExecutor when the worker died, Expired past the deadline.
        """

    async def hop_again(self, job: Job, timeline: Timeline) -> Ran:
        """Run a call elsewhere that may have killed its worker; raises as `hop` does."""
        return await self.hop(job, timeline)

    async def call(
        self,
        function: Callable[..., Any],
        positional: tuple[Any, ...],
        named: Arguments,
        timeline: Timeline,
    ) -> Any:
        timeline.asked = monotonic()
        until = timeline.accepted + self.bulkhead.deadlines.seconds
        try:
            ran = await self._twice(Job(function, positional, named, until), timeline)
        except asyncio.CancelledError:
            self.bulkhead.cancelled += 1
            raise
        timeline.stage(ran)
        return result_of(ran)

    async def _twice(self, job: Job, timeline: Timeline) -> Ran:
        """Hop, and once more if the worker dies under it. Raises WorkFailed at the second death."""
        for again in (False, True):
            await self.bulkhead.enter(timeline.accepted, again=again)
            timeline.granted = monotonic()
            try:
                return await (self.hop_again if again else self.hop)(job, timeline)
            except BrokenExecutor:
                self.lost += 1
            except Refused:  # there is no worker to hop to, and none can be had
                self.bulkhead.refused += 1
                raise
        raise WorkFailed(
            "the worker died under this request, and so did the one of its retry",
            "The work may crash its interpreter, or run out of memory.",
        )

    def held_ahead(self, ran: Ran, timeline: Timeline) -> None:
        """Count as queued the time in which the worker of this call still had another one."""
        worker = (ran.pid, ran.thread)
        before = self.finished.get(worker, 0.0)
        self.finished[worker] = ran.finished
        timeline.granted = min(max(timeline.granted, before), ran.started)

    def leaving_on_error(self, timeline: Timeline) -> Handover:
        """Leave the bulkhead if no worker comes to have to do with the call."""
        return Handover(self.bulkhead, timeline.asked)

    async def bring_back(
        self,
        submit: Callable[[], Future[Any]],
        timeline: Timeline,
        kill: Callable[[], None] = lambda: None,
    ) -> Ran:
        """Hop by an executor of the standard library, until the result or the deadline comes.

        It answers with a Ran, or as workers do, in bytes. `kill` ends work that has begun, if the
        model can: nobody waits for it any more.
        """
        loop = asyncio.get_running_loop()
        back: asyncio.Future[Ran] = loop.create_future()
        with self.leaving_on_error(timeline):
            away = submit()
        self.bulkhead.deadlines.watch(back, timeline.accepted, "was not done by")
        settle = partial(self._settle, back, timeline.asked)
        away.add_done_callback(partial(_wake, loop, settle))
        try:
            return await back
        except BaseException:
            # Late, or the client is gone: what has not begun never will.
            if not away.done() and not (self.withdraws and away.cancel()):
                self.bulkhead.abandon(back)
                kill()
            raise

    def _settle(self, back: asyncio.Future[Ran], asked: float, away: Future[Any]) -> None:
        self.bulkhead.deadlines.forget(back)
        answer = _answer(away)
        # Only a worker that has spent its time on the call tells how long they take.
        worked = isinstance(answer, Ran) and answer.failure != TOO_LATE
        self.bulkhead.leave(asked, back, worked=worked)
        if back.done():
            return
        if answer is None:
            back.cancel()
        elif not isinstance(answer, Ran):
            ours = isinstance(answer, BrokenExecutor | ServerError)
            back.set_exception(answer if ours else untravelled(answer))
        elif worked:
            back.set_result(answer)
        else:
            back.set_exception(self.bulkhead.deadlines.late("waited for a worker past"))

    def gauges(self) -> dict[str, int]:
        return {**self.bulkhead.gauges(), "restarted": self.restarted, "lost": self.lost}


def _answer(away: Future[Any]) -> Ran | BaseException | None:
    """What came back of a call, or the error that came instead; None if it was withdrawn."""
    if away.cancelled():
        return None
    answer = away.exception() or away.result()
    return opened(answer) if isinstance(answer, bytes) else answer


def _wake(
    loop: asyncio.AbstractEventLoop, settle: Callable[[Future[Any]], None], away: Future[Any]
) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(settle, away)
