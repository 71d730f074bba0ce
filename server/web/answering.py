"""The one place where errors become HTTP answers, and where requests and answers are counted."""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.errors import Refused, ServerError, log
from server.telemetry.activity import Activity

HUNG_UP = 499  # nginx's status for a client that hung up before its answer
NO_THREAD = "can't start new thread"  # Python's message, of a RuntimeError
NO_MORE = "the operating system does not let the server start more threads"
NO_MORE_HINT = "Raise its limits (ulimit -u, ulimit -v, pids.max), or use fewer --threads."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Check = Callable[[web.Request], None]


@functools.cache  # logged once per process: under load, every request may hit it
def _no_thread() -> Refused:
    """Log, and answer, that the operating system grants no more threads."""
    log.error("%s; requests are refused until it does. %s", NO_MORE, NO_MORE_HINT)
    return Refused(NO_MORE, NO_MORE_HINT)


def answering(
    handle: Handler, check: Check, drain: Drain, statuses: dict[int, int] | None = None
) -> Handler:
    """Map every error of a handler to its JSON answer; an unexpected one is logged, not shown.

    `check` sees each request first. Answers are counted by status, and running requests as
    activity. This is a decorator because a middleware would cost each request as much as
    everything else here.
    """
    activity = drain.activity
    counts = defaultdict[int, int](int) if statuses is None else statuses

    @functools.wraps(handle)
    async def answer(request: web.Request) -> web.StreamResponse:
        activity.begun += 1
        if activity.resting:
            activity.wake()
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
                log.exception("unexpected error in %s %s", request.method, request.rel_url)
                response = ServerError("the server failed; see its log").response()
        finally:
            activity.ended += 1
        if drain.begun:
            response.force_close()
        counts[response.status] += 1
        return response

    return answer


class Drain:
    """Once the drain has begun, each answer closes its connection."""

    def __init__(self, activity: Activity) -> None:
        self.activity = activity
        self.begun = False

    async def begin(self, _app: web.Application) -> None:
        self.begun = True


DRAIN = web.AppKey("drain", Drain)
