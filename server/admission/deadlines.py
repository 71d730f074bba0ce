"""Deadlines for many waiting calls, with one timer for all of them.

A timer for each call would cost a tenth of what a short call costs at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any

from server.errors import Expired, ServerError

LOOK_S = 0.005  # between two looks at all of them


class Watch:
    """Fail futures that wait for longer than `seconds`, with what `fail` makes of their doing."""

    def __init__(self, seconds: float, fail: Callable[[str], ServerError]) -> None:
        self.seconds = seconds
        self._fail = fail
        self._watched: dict[asyncio.Future[Any], tuple[float, str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf

    def watch(self, future: asyncio.Future[Any], accepted: float, doing: str) -> None:
        """Fail the future at `accepted` (monotonic) and so many seconds more."""
        if self.seconds == inf:
            return
        until = accepted + self.seconds
        self._watched[future] = (until, doing)
        if until < self._next:  # who has waited elsewhere expires before others who came earlier
            self._set_timer(until)

    def forget(self, future: asyncio.Future[Any]) -> None:
        """Watch it no longer: it has its result."""
        self._watched.pop(future, None)

    def _set_timer(self, until: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._next = until
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, until - monotonic()), self._look)

    def _look(self) -> None:
        self._timer, self._next, now = None, inf, monotonic()
        for future, (until, doing) in list(self._watched.items()):
            if until <= now:
                del self._watched[future]
                if not future.done():
                    future.set_exception(self._fail(doing))
        if self._watched:
            first = min(until for until, _ in self._watched.values())
            self._set_timer(max(first, now + LOOK_S))


class Deadlines(Watch):
    """Fail futures with Expired, `seconds` after their requests were accepted; counts them."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, self.late)
        self.expired = 0

    def remaining(self, accepted: float) -> float:
        """Seconds that a request has left which was accepted then."""
        return max(0.0, accepted + self.seconds - monotonic())

    def late(self, doing: str) -> Expired:
        """Count one more expired request, and return its answer."""
        self.expired += 1
        return Expired(
            f"the request {doing} its deadline of {self.seconds:g} s",
            "Send less, ask for less work, or start the server with a longer --deadline.",
        )
