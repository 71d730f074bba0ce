"""Every error becomes an HTTP answer here, once; answers are counted, and the drain knows them."""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.errors import Refused, ServerError, log

HUNG_UP = 499  # nginx's number for a client that has gone before its answer


NO_THREAD = "can't start new thread"  # all that Python says, with a RuntimeError


NO_MORE = "the system lets the server start no more threads"


NO_MORE_HINT = "Raise its limits (ulimit -u, ulimit -v, pids.max), or give it fewer --threads."


@functools.cache  # once in the life of a process: under load, each request may meet it
def _no_thread() -> Refused:
    """Log and answer that the operating system grants no more threads."""
    log.error("%s; requests are refused until it does. %s", NO_MORE, NO_MORE_HINT)
    return Refused(NO_MORE, NO_MORE_HINT)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


Check = Callable[[web.Request], None]


def answering(
    handle: Handler, check: Check, drain: Drain, statuses: dict[int, int] | None = None
) -> Handler:
    """Map every error of a handler to its JSON answer; what nobody foresaw is logged, not shown.

    `check` looks at each request first. The answers are counted by their status, and the drain
    knows what runs. A decorator and not a middleware: that would cost each request as much as
    everything else here.
    """
    counts = defaultdict[int, int](int) if statuses is None else statuses

    @functools.wraps(handle)
    async def answer(request: web.Request) -> web.StreamResponse:
        drain.running += 1
        try:
            check(request)
            response: web.StreamResponse = await handle(request)
        except ServerError as error:
            response = error.response()
        except asyncio.CancelledError:
            counts[HUNG_UP] += 1
            raise
        except Exception as error:  # noqa: BLE001 - logged, and answered with 500
            if str(error) == NO_THREAD:
                response = _no_thread().response()
            else:
                log.exception("unforeseen error in %s %s", request.method, request.rel_url)
                response = ServerError("the server failed; its log has the details").response()
        finally:
            drain.running -= 1
        if drain.begun:
            response.force_close()
        counts[response.status] += 1
        return response

    return answer


class Drain:
    """How many requests run; once the drain has begun, each answer ends its connection."""

    def __init__(self) -> None:
        self.running = 0
        self.begun = False

    async def begin(self, _app: web.Application) -> None:
        self.begun = True


DRAIN = web.AppKey("drain", Drain)
