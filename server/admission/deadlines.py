"""Deadlines for many waiting calls, with one timer for all of them.

A timer for each call would cost a tenth of a short call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any

from server.errors import Expired, ServerError

LOOK_S = 0.005  # between two checks of all calls


class Watch:
    """Fail futures that wait longer than `seconds`, with the error that `fail` makes of `doing`."""

    def __init__(self, seconds: float, fail: Callable[[str], ServerError]) -> None:
        self.seconds = seconds
        self._fail = fail
        self._watched: dict[asyncio.Future[Any], tuple[float, str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf

    def watch(self, future: asyncio.Future[Any], accepted: float, doing: str) -> None:
        """Fail the future `seconds` after `accepted` (monotonic)."""
        if self.seconds == inf:
            return
        until = accepted + self.seconds
        self._watched[future] = (until, doing)
        if until < self._next:  # a call that has waited elsewhere may expire before earlier ones
            self._set_timer(until)

    def forget(self, future: asyncio.Future[Any]) -> None:
        """Stop watching a future that has its result."""
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
    """Fail futures with Expired, `seconds` after their requests were accepted, and count them."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, self.late)
        self.expired = 0

    def remaining(self, accepted: float) -> float:
        """The seconds left for a request that was accepted then."""
        return max(0.0, accepted + self.seconds - monotonic())

    def late(self, doing: str) -> Expired:
        """Count an expired request, and return its answer."""
        self.expired += 1
        return Expired(
            f"the request {doing} its deadline of {self.seconds:g} s",
            "Reduce the load, request less work, or start the server with a longer --deadline.",
        )
