"""What the models share whose work leaves the event loop: bulkhead, hop and way back."""

from __future__ import annotations

import asyncio
import pickle
import re
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, ClassVar, NamedTuple

from server.admission import COVER_S, Bulkhead
from server.errors import WorkFailed
from server.models.base import Arguments, Model, result_of
from server.outcomes import raised
from server.settings import Settings
from server.timeline import Ran, Timeline
from server.worker import TOO_LATE


class Job(NamedTuple):
    """One call for a worker; past `until` (monotonic) it is not begun any more."""

    function: Callable[..., Any]
    positional: tuple[Any, ...]
    named: Arguments
    until: float


class Hopping(Model):
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
                return await self.hop(job, timeline)
            except BrokenExecutor:
                self.lost += 1
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

    async def bring_back(
        self,
        submit: Callable[[], Future[Ran]],
        timeline: Timeline,
        kill: Callable[[], None] = lambda: None,
    ) -> Ran:
        """Hop by an executor of the standard library, until the result or the deadline comes.

        `kill` ends work that has begun, if the model can: nobody waits for it any more.
        """
        loop = asyncio.get_running_loop()
        back: asyncio.Future[Ran] = loop.create_future()
        try:
            away = submit()
        except BaseException:
            self.bulkhead.leave(timeline.asked, worked=False)
            raise
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

    def _settle(self, back: asyncio.Future[Ran], asked: float, away: Future[Ran]) -> None:
        self.bulkhead.deadlines.forget(back)
        self.bulkhead.leave(asked, back, worked=_worked(away))
        if back.done():
            return
        if away.cancelled():
            back.cancel()
            return
        error = away.exception()
        if error is None:
            ran = away.result()
            if ran.failure == TOO_LATE:
                back.set_exception(self.bulkhead.deadlines.late("waited for a worker past"))
            else:
                back.set_result(ran)
        else:
            back.set_exception(error if isinstance(error, BrokenExecutor) else untravelled(error))

    def gauges(self) -> dict[str, int]:
        return {**self.bulkhead.gauges(), "restarted": self.restarted, "lost": self.lost}


def _worked(away: Future[Ran]) -> bool:
    """Whether a worker has spent its time on the call: no other one tells how long they take."""
    if away.cancelled() or away.exception() is not None:
        return False
    return away.result().failure != TOO_LATE


def pickled(job: Job) -> bytes:
    """Write a call for a worker to answer. Raises WorkFailed for what does not pickle."""
    try:
        return pickle.dumps(tuple(job), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs code of the arguments' own
        raise untravelled(error) from None


def untravelled(error: BaseException) -> WorkFailed:
    """The answer for a call that no worker could receive, or whose result could not come back."""
    reasons = [": ".join(raised(error))]
    # Executors give what happened on the other side as the text of a traceback.
    reasons += re.findall(r"^\w*Error: .+$", str(error.__cause__ or ""), re.MULTILINE)[:1]
    return WorkFailed(
        f"the work could not travel to its worker and back ({'; '.join(dict.fromkeys(reasons))})",
        "Functions, arguments and results must pickle.",
    )


def _wake(
    loop: asyncio.AbstractEventLoop, settle: Callable[[Future[Ran]], None], away: Future[Ran]
) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(settle, away)
