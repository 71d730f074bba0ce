"""Graceful shutdown: accept the connections that are waiting, answer every request, then close.

    signal ──▶ /ready says 503 ──▶ accept what waits ──▶ stop listening ──▶ last answers ──▶ end

Each connection stays open until its last answer, which says that it is the last.
"""

from __future__ import annotations

import asyncio
import select
import socket
from typing import Any

from aiohttp import web

from server.web.answering import DRAIN
from server.web.connection import Connections

DRAIN_S = 10  # for running requests
ACCEPT_S = 0.5  # at most, for waiting connections: new ones may keep coming
CANCEL_S = 1  # for requests that are then cancelled, and once more for their answers
IN_TRANSIT_S = 0.05  # for requests already sent over open connections
POLL_S = 0.01


class Runner(web.AppRunner):
    """Runs an application behind a listening socket, and drains before it cleans up."""

    __slots__ = ("_bound",)

    def __init__(self, app: web.Application, bound: socket.socket, **options: Any) -> None:
        super().__init__(app, shutdown_timeout=CANCEL_S, **options)
        self._bound = bound

    async def _make_server(self) -> Connections:
        return Connections.like(await super()._make_server())

    async def cleanup(self) -> None:
        if self.sites:
            await self._drain()
        await super().cleanup()

    async def _drain(self) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + DRAIN_S
        await self.shutdown()  # calls the hooks by which the application learns of it
        await self._accept_waiting()
        for site in self.sites:
            await site.stop()
        await asyncio.sleep(IN_TRANSIT_S)
        while self.app[DRAIN].activity.running and clock() < end:  # noqa: ASYNC110 - an event would cost each request
            await asyncio.sleep(POLL_S)

    async def _accept_waiting(self) -> None:
        """Accept waiting connections, because the kernel resets them when the socket closes."""
        waiting = select.poll()
        waiting.register(self._bound, select.POLLIN)
        clock = asyncio.get_running_loop().time
        end = clock() + ACCEPT_S
        while waiting.poll(0) and clock() < end:  # noqa: ASYNC110 - nothing sets an event for it
            await asyncio.sleep(0)  # one turn of the event loop accepts them
        await asyncio.sleep(0)  # in another turn, asyncio sets up the last of them
