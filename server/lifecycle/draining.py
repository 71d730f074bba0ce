"""How a server stops as its clients wish: who has knocked is let in, and whoever asks is answered.

    signal ──▶ /ready says 503 ──▶ let in who waits ──▶ stop listening ──▶ last answers ──▶ the end

Until its last answer each connection stays open, and that answer says that it is the last.
"""

from __future__ import annotations

import asyncio
import select
import socket
from typing import Any

from aiohttp import web

from server.web.answering import DRAIN

DRAIN_S = 10  # for the requests that run
LET_IN_S = 0.5  # at most, to let in who waits: more may come all the while
CANCEL_S = 1  # for those that were cancelled then, and once more for their answers
ON_THEIR_WAY_S = 0.05  # for requests that clients have sent over open connections
LOOK_S = 0.01


class Runner(web.AppRunner):
    """Runs an application behind a socket that listens, and drains before it cleans up."""

    __slots__ = ("_bound",)

    def __init__(self, app: web.Application, bound: socket.socket, **options: Any) -> None:
        super().__init__(app, shutdown_timeout=CANCEL_S, **options)
        self._bound = bound

    async def cleanup(self) -> None:
        if self.sites:
            await self._drain()
        await super().cleanup()

    async def _drain(self) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + DRAIN_S
        await self.shutdown()  # the application's hooks, by which it knows that it drains
        await self._let_in()
        for site in self.sites:
            await site.stop()
        await asyncio.sleep(ON_THEIR_WAY_S)
        while self.app[DRAIN].running and clock() < end:  # noqa: ASYNC110 - costs no request
            await asyncio.sleep(LOOK_S)

    async def _let_in(self) -> None:
        """Accept the connections that wait: the kernel resets them when their socket closes."""
        waiting = select.poll()
        waiting.register(self._bound, select.POLLIN)
        clock = asyncio.get_running_loop().time
        end = clock() + LET_IN_S
        while waiting.poll(0) and clock() < end:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0)  # a turn of the event loop, which accepts them
        await asyncio.sleep(0)  # and one more, in which asyncio makes connections of the last ones
