"""One schedule of requests within a trial, and what becomes of each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from time import monotonic

import gevent

from loadtests.load.answer import Answer, Stages, stages, told
from loadtests.load.open_loop import OpenLoop, Request

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
        self._counted = self._lost = 0  # of those that have ended: looked at, and lost
        self._starts = iter(zero + start for start in chain(settling, measured))
        self._loop: gevent.Greenlet[..., None] | None = None
        self._impatience: gevent.Greenlet[..., None] | None = None

    def take(self, one: Request) -> None:
        """Take in a request that has ended; the body of one that is not read is let go."""
        if one.ended is None or not self.wanted(one.ended - one.intended):
            one.body = None
        self.ended.append(one)

    def begin(self, patience_s: float | None = None) -> None:
        """Offer the load; with `patience_s`, clients hang up that long after their start."""
        self._loop = gevent.spawn(self.generator.offer, self._starts)
        if patience_s is not None:
            self._impatience = gevent.spawn(self.generator.hang_up, patience_s)

    def end(self, *, early: bool) -> None:
        """Offer no more. Arrivals that a late generator had not come to count as never sent."""
        if self._loop:
            self._loop.join(0 if early else AHEAD_S)
            self._loop.kill()
        if not early:
            self.ended.extend(Request(start) for start in self._starts)

    def abandon(self) -> None:
        """Offer no more, and give up what is still in flight: it counts as unfinished."""
        for greenlet in (self._loop, self._impatience):
            if greenlet:
                greenlet.kill()
        self.generator.abandon()

    def lost(self, bound_s: float) -> int:
        """Count the losses of the measured window so far, overdue requests included."""
        now, fresh = monotonic(), self.ended[self._counted :]
        self._counted += len(fresh)
        self._lost += sum(
            one.intended >= self.zero
            and (one.outcome != "ok" or (one.ended or now) - one.intended > bound_s)
            for one in fresh
        )
        overdue = (self.zero <= one.intended < now - bound_s for one in self.generator.flying)
        return self._lost + sum(overdue)

    def answers(self) -> list[Answer]:
        """What became of all requests until now, in seconds since the window began."""
        return [
            Answer(
                one.intended - self.zero,
                None if one.sent is None else one.sent - self.zero,
                None if one.ended is None else one.ended - self.zero,
                one.outcome,
                one.status,
                _stages(one),
                one.error if one.outcome == "failed" else None,
            )
            for one in (*self.ended, *self.generator.flying)
        ]


def drain(streams: Iterable[Stream], wait_s: float) -> bool:
    """Wait for the answers under way; tell whether all of them came."""
    deadline = monotonic() + wait_s
    left = [one.generator.drain(max(0.0, deadline - monotonic())) for one in streams]
    return all(left)


def _stages(one: Request) -> Stages | None:
    """Read the answers that were kept for it."""
    said = told(one.body) if one.body is not None else None
    if said is None or one.sent is None or one.ended is None:
        return None
    return stages(said, one.sent - one.intended, one.ended - one.sent)
