"""Send requests at their intended starts, whatever becomes of those before them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from time import monotonic

import gevent

from loadtests.connections import Connections, Reply
from loadtests.tally import Outcome

MOST_IN_FLIGHT = 4000  # beyond it a request is not sent: descriptors and memory are finite
REASON = re.compile(rb'"message": "([^"]{1,120})')
LOOK_S = 0.02  # how often clients are looked at whether their patience is at an end
STATUSES: dict[int, Outcome] = {200: "ok", 503: "refused", 504: "expired"}


class Sent:
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


class Generator:
    """An open loop: no slow answer holds back the next request.

    `check` tells right answers (status 200) from wrong ones; `done` hears of each ended request.
    """

    def __init__(
        self,
        connections: Connections,
        path: str,
        check: Callable[[bytes], bool],
        done: Callable[[Sent], None],
    ) -> None:
        self._connections = connections
        self._path = path
        self._check = check
        self._done = done
        self.flying: dict[Sent, gevent.Greenlet[..., None]] = {}

    def offer(self, starts: Iterable[float]) -> None:
        """Send one request at each of these monotonic times; late ones at once."""
        for intended in starts:
            wait = intended - monotonic()
            gevent.sleep(max(wait, 0))
            self.send(intended)

    def send(self, intended: float) -> None:
        """Begin one request without waiting for it."""
        one = Sent(intended)
        if len(self.flying) >= MOST_IN_FLIGHT:
            one.error = f"not sent: {MOST_IN_FLIGHT} requests are in flight already"
            self._done(one)
            return
        self.flying[one] = gevent.spawn(self._fly, one)

    def _fly(self, one: Sent) -> None:
        one.sent = monotonic()
        one.outcome = "unfinished"
        try:
            reply: Reply = self._connections.get(self._path)
        except OSError as error:
            one.outcome, one.error = "failed", f"{type(error).__name__}: {error}"
        else:
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
        finally:
            self.flying.pop(one, None)
        one.ended = monotonic()
        self._done(one)

    def drain(self, wait_s: float) -> bool:
        """Wait for the answers under way; tell whether all of them came."""
        gevent.joinall(list(self.flying.values()), timeout=wait_s)
        return not self.flying

    def hang_up(self, patience_s: float) -> None:
        """Give up each request that was due so long ago, closing its connection; never ends.

        One look for all costs a request nothing, as a timer for each would.
        """
        while True:
            latest = monotonic() - patience_s
            overdue = {}
            for one, greenlet in self.flying.items():  # in the order of their intended starts
                if one.intended > latest:
                    break
                overdue[one] = greenlet
            self._give_up(overdue, f"no answer within {patience_s:g} s")
            gevent.sleep(LOOK_S)

    def abandon(self) -> None:
        """Give up what is still in flight: it counts as unfinished."""
        self._give_up(dict(self.flying), "no answer when the load had ended")

    def _give_up(self, those: dict[Sent, gevent.Greenlet[..., None]], why: str) -> None:
        gevent.killall(list(those.values()))
        for one in those:
            self.flying.pop(one, None)  # one that had not yet begun to run could not do it itself
            if one.ended is None:  # else its answer came in this very moment
                one.error = f"unfinished: {why}"
                self._done(one)


def _reason(body: bytes) -> str:
    found = REASON.search(body)
    return f": {found[1].decode(errors='replace')}" if found else ""
