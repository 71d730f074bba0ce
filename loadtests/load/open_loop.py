"""Send requests at their intended starts, regardless of how earlier ones fare."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from random import Random
from time import monotonic

import gevent
from gevent import get_hub
from gevent.event import Event

from loadtests.foreign import line
from loadtests.load.answer import Outcome
from loadtests.load.http import Call, ConnectionPool, nothing
from loadtests.load.request import RequestSpec, outcomes_of

MOST_IN_FLIGHT = 4000  # beyond it a request is not sent: descriptors and memory are finite
REASON = re.compile(rb'"message": "([^"]{1,120})')
LOOK_S = 0.02  # between two checks whether clients have lost their patience


class Request(Call):
    """One request: monotonic seconds of its intended start, its start and its end."""

    __slots__ = ("ended", "error", "intended", "outcome", "sent", "size")

    def __init__(
        self, intended: float, request: bytes = b"", on_end: Callable[[Request], None] = nothing
    ) -> None:
        super().__init__(request, on_end)
        self.intended = intended
        self.sent: float | None = None
        self.ended: float | None = None
        self.outcome: Outcome = "unsent"
        self.error: str | None = None
        self.size = 0


class OpenLoop:
    """An open loop: no slow answer holds back the next request.

    `requests` are the bytes to send, the next for each request, or else values are drawn for the
    request at random. `done` gets each ended request.
    """

    def __init__(
        self,
        connections: ConnectionPool,
        spec: RequestSpec,
        done: Callable[[Request], None],
        requests: Iterator[bytes] | None = None,
    ) -> None:
        self._connections = connections
        self._requests = requests or connections.template(spec).requests(Random())  # noqa: S311
        self._on_end = self._ended  # the same object for all requests, which outlive their answers
        self._judged = outcomes_of(spec)
        self._wrong = f"the body does not contain {line(spec.text)!r}"
        self._done = done
        self.flying: dict[Request, None] = {}  # in the order of their intended starts
        self._landed: Event | None = None  # set when `drain` waits for the last answer

    def offer(self, starts: Iterable[float]) -> None:
        """Send one request at each of these monotonic times; late ones at once.

        By timers: a greenlet that sleeps until each arrival would cost half as much again.
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
            else:  # even if it is late by now: answers are handled in between
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
        request = Request(intended, next(self._requests), self._on_end)
        if len(self.flying) >= MOST_IN_FLIGHT:
            request.error = f"not sent: {MOST_IN_FLIGHT} requests are in flight already"
            self._done(request)
            return
        request.sent = monotonic()
        request.outcome = "unfinished"
        self.flying[request] = None
        self._connections.ask(request)

    def _ended(self, request: Request) -> None:
        request.ended = monotonic()
        self._land(request)
        body = request.body
        if body is None:
            failure = request.failure
            request.outcome, request.error = "failed", f"{type(failure).__name__}: {failure}"
        else:
            self._judge(request, body)
        self._done(request)

    def _land(self, request: Request) -> None:
        del self.flying[request]
        if self._landed is not None and not self.flying:
            self._landed.set()

    def _judge(self, request: Request, body: bytes) -> None:
        request.size, status = len(body), request.status or 0
        request.outcome = outcome = self._judged(status, body)
        if outcome == "ok":
            return
        request.error = self._wrong if outcome == "wrong" else f"HTTP {status}{_reason(body)}"
        request.body = None

    def drain(self, wait_s: float) -> bool:
        """Wait for the answers under way; returns whether all of them came."""
        if self.flying:
            self._landed = Event()
            self._landed.wait(wait_s)
        return not self.flying

    def hang_up(self, patience_s: float) -> None:
        """Give up each request that was due that long ago, closing its connection; never ends.

        One check for all of them is cheaper than a timer for each.
        """
        while True:
            latest = monotonic() - patience_s
            overdue = []
            for request in self.flying:
                if request.intended > latest:
                    break
                overdue.append(request)
            self._give_up(overdue, f"no answer within {patience_s:g} s")
            gevent.sleep(LOOK_S)

    def abandon(self) -> None:
        """Give up the requests still in flight: they count as unfinished."""
        self._give_up([*self.flying], "no answer when the load had ended")

    def _give_up(self, requests: Iterable[Request], reason: str) -> None:
        for request in requests:
            request.give_up()
            self._land(request)
            request.error = f"unfinished: {reason}"
            self._done(request)


def _reason(body: bytes) -> str:
    match = REASON.search(body)
    return f": {line(match[1].decode(errors='replace'))}" if match else ""
