"""One schedule of requests within a load, and the outcome of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from time import monotonic

import gevent

from loadtests.load.answer import Answer, Stages, read_stamps, stages_of
from loadtests.load.open_loop import OpenLoop, Request

STAMPED = b'"worker"'  # is in an answer that says where it ran, and how long
AHEAD_S = 0.05  # between the drawing of a schedule and its first arrival


class Stream:
    """Requests to one path; `zero` is the monotonic time at which the measured window begins.

    `wanted` may be set to choose the answers to read, by their response time.
    """

    def __init__(
        self, generator: OpenLoop, zero: float, settling: list[float], measured: list[float]
    ) -> None:
        self.generator = generator
        self.zero = zero
        self.planned = len(measured)
        self.ended: list[Request] = []
        self.wanted: Callable[[float], bool] = lambda _: False
        self._counted = self._lost = 0  # of the ended ones
        self._starts = iter(zero + start for start in chain(settling, measured))
        self._loop: gevent.Greenlet[..., None] | None = None
        self._impatience: gevent.Greenlet[..., None] | None = None

    def take(self, request: Request) -> None:
        """Take in a request that has ended, and drop its body unless it is to be read.

        Of a service that reports nothing on its runs, none is: they may be large.
        """
        body, ended = request.body, request.ended
        wanted = body and ended and self.wanted(ended - request.intended)
        if not (wanted and body and STAMPED in body):
            request.body = None
        self.ended.append(request)

    def begin(self, patience_s: float | None = None) -> None:
        """Offer the load; with `patience_s`, clients hang up that long after their start."""
        self._loop = gevent.spawn(self.generator.offer, self._starts)
        if patience_s is not None:
            self._impatience = gevent.spawn(self.generator.hang_up, patience_s)

    def end(self, *, early: bool) -> None:
        """Offer no more. Arrivals that a late generator did not reach count as never sent."""
        if self._loop:
            self._loop.join(0 if early else AHEAD_S)
            self._loop.kill()
        if not early:
            self.ended.extend(Request(start) for start in self._starts)

    def abandon(self) -> None:
        """Offer no more, and give up the requests in flight: they count as unfinished."""
        for greenlet in (self._loop, self._impatience):
            if greenlet:
                greenlet.kill()
        self.generator.abandon()

    def lost(self, bound_s: float) -> int:
        """Count the losses of the measured window so far, overdue requests included."""
        now, fresh = monotonic(), self.ended[self._counted :]
        self._counted += len(fresh)
        self._lost += sum(
            request.intended >= self.zero
            and (request.outcome != "ok" or (request.ended or now) - request.intended > bound_s)
            for request in fresh
        )
        overdue = (
            self.zero <= request.intended < now - bound_s for request in self.generator.flying
        )
        return self._lost + sum(overdue)

    def answers(self) -> list[Answer]:
        """Return the outcome of all requests so far, in seconds since the window began."""
        return [
            Answer(
                request.intended - self.zero,
                None if request.sent is None else request.sent - self.zero,
                None if request.ended is None else request.ended - self.zero,
                request.outcome,
                request.status,
                _stages(request),
                request.error if request.outcome == "failed" else None,
            )
            for request in (*self.ended, *self.generator.flying)
        ]


def drain(streams: Iterable[Stream], wait_s: float) -> bool:
    """Wait for the answers under way; returns whether all of them came."""
    deadline = monotonic() + wait_s
    drained = [stream.generator.drain(max(0.0, deadline - monotonic())) for stream in streams]
    return all(drained)


def _stages(request: Request) -> Stages | None:
    """Read the body, if it was kept."""
    stamps = read_stamps(request.body) if request.body is not None else None
    if stamps is None or request.sent is None or request.ended is None:
        return None
    return stages_of(stamps, request.sent - request.intended, request.ended - request.sent)
