"""Send requests at their intended starts, whatever becomes of those before them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic

import gevent
from gevent import get_hub
from gevent.event import Event

from loadtests.load.answer import Outcome
from loadtests.load.http import Call, ConnectionPool, Reply

MOST_IN_FLIGHT = 4000  # beyond it a request is not sent: descriptors and memory are finite
REASON = re.compile(rb'"message": "([^"]{1,120})')
LOOK_S = 0.02  # how often clients are looked at whether their patience is at an end
STATUSES: dict[int, Outcome] = {200: "ok", 503: "refused", 504: "expired"}


class Request:
    """One request: monotonic seconds of its intended start, its start and its end."""

    __slots__ = ("body", "ended", "error", "intended", "outcome", "sent", "size", "status")

    def __init__(self, intended: float) -> None:
        self.intended = intended
        self.sent: float | None = None
        self.ended: float | None = None
        self.outcome: Outcome = "unsent"
        self.error: str | None = None
        self.size = 0
        self.body: bytes | None = None
        self.status: int | None = None


class OpenLoop:
    """An open loop: no slow answer holds back the next request.

    `check` tells right answers (status 200) from wrong ones; `done` hears of each ended request.
    """

    def __init__(
        self,
        connections: ConnectionPool,
        path: str,
        check: Callable[[bytes], bool],
        done: Callable[[Request], None],
    ) -> None:
        self._connections = connections
        self._path = path
        self._check = check
        self._done = done
        self.flying: dict[Request, Call] = {}
        self._landed: Event | None = None  # somebody waits for the last answer

    def offer(self, starts: Iterable[float]) -> None:
        """Send one request at each of these monotonic times; late ones at once.

        Timers call back: for each arrival, a greenlet that sleeps costs half as much again.
        """
        loop, left, over = get_hub().loop, iter(starts), Event()
        due, timer = next(left, None), None

        def tick() -> None:
            nonlocal due, timer
            now = monotonic()
            while due is not None and due <= now:
                self.send(due)
                due = next(left, None)
            if due is None:
                over.set()
            else:  # even one that is late by now: answers are heard meanwhile
                timer = loop.timer(max(due - monotonic(), 0.0))
                timer.start(tick)

        tick()
        try:
            over.wait()
        finally:
            if timer is not None:
                timer.stop()

    def send(self, intended: float) -> None:
        """Begin one request without waiting for it."""
        one = Request(intended)
        if len(self.flying) >= MOST_IN_FLIGHT:
            one.error = f"not sent: {MOST_IN_FLIGHT} requests are in flight already"
            self._done(one)
            return
        one.sent = monotonic()
        one.outcome = "unfinished"
        self.flying[one] = self._connections.ask(self._path, partial(self._heard, one))

    def _heard(self, one: Request, said: Reply | OSError) -> None:
        one.ended = monotonic()
        self._land(one)
        if isinstance(said, OSError):
            one.outcome, one.error = "failed", f"{type(said).__name__}: {said}"
        else:
            self._read(one, said)
        self._done(one)

    def _land(self, one: Request) -> None:
        del self.flying[one]
        if self._landed is not None and not self.flying:
            self._landed.set()

    def _read(self, one: Request, reply: Reply) -> None:
        one.size, one.status = len(reply.body), reply.status
        one.outcome = STATUSES.get(reply.status, "failed")
        if one.outcome == "failed":
            one.error = f"HTTP {reply.status}{_reason(reply.body)}"
        elif one.outcome != "ok":
            one.error = f"HTTP {reply.status}"
        elif not self._check(reply.body):
            one.outcome, one.error = "wrong", "the body is not the answer of this cell"
        else:
            one.body = reply.body

    def drain(self, wait_s: float) -> bool:
        """Wait for the answers under way; tell whether all of them came."""
        if self.flying:
            self._landed = Event()
            self._landed.wait(wait_s)
        return not self.flying

    def hang_up(self, patience_s: float) -> None:
        """Give up each request that was due so long ago, closing its connection; never ends.

        One look for all costs a request nothing, as a timer for each would.
        """
        while True:
            latest = monotonic() - patience_s
            overdue = {}
            for one, call in self.flying.items():  # in the order of their intended starts
                if one.intended > latest:
                    break
                overdue[one] = call
            self._give_up(overdue, f"no answer within {patience_s:g} s")
            gevent.sleep(LOOK_S)

    def abandon(self) -> None:
        """Give up what is still in flight: it counts as unfinished."""
        self._give_up(dict(self.flying), "no answer when the load had ended")

    def _give_up(self, those: dict[Request, Call], why: str) -> None:
        for one, call in those.items():
            call.give_up()
            self._land(one)
            one.error = f"unfinished: {why}"
            self._done(one)


def _reason(body: bytes) -> str:
    found = REASON.search(body)
    return f": {found[1].decode(errors='replace')}" if found else ""
