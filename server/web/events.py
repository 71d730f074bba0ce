"""`/events`: the statistics once a second, and between them the heartbeat of this event loop.

    event loop ──▶ beat, 10 × a second ───┐
    /stats     ──▶ message, once a second ┴──▶ a short queue for each stream ──▶ its client

A beat carries the loop's own clock: so whoever listens can tell a loop that was blocked from
beats that came late for another reason. While nobody listens, nothing of this runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from aiohttp import web

from server.errors import Refused

BEAT_S = 0.1
TELL_S = 1.0
RETRY = b"retry: 1000\n\n"  # milliseconds until a browser whose stream has ended comes again
MOST = 32  # streams of one event loop: each costs some 10 writes a second
BEHIND = 64  # messages that may wait for a client: some six seconds of them
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # for proxies that would collect what should flow
}


class Stream:
    """What waits to be written to one client."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(BEHIND)

    def tell(self, message: bytes) -> None:
        """Add a message; who has not read for long is cut off."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self._cut()

    def end(self) -> None:
        """End behind what waits, or at once where the client does not read."""
        if self._waiting.full() or (self._transport and self._transport.get_write_buffer_size()):
            self._cut()
        else:
            self._waiting.put_nowait(None)

    def _cut(self) -> None:
        if self._transport:
            self._transport.abort()

    async def write_to(self, response: web.StreamResponse) -> None:
        """Write until the end. Raises ConnectionError when the client has gone."""
        await response.write(RETRY)
        while (message := await self._waiting.get()) is not None:
            await response.write(message)


class Events:
    """All streams of one event loop, and what is told to them."""

    def __init__(self, stats: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        self._stats = stats
        self._streams: set[Stream] = set()
        self._telling: list[asyncio.Task[None]] = []
        self._over = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer with a stream that ends when its client leaves, or the server drains.

        Raises Refused.
        """
        if self._over:
            raise Refused("the server drains", "Come again when it has restarted.")
        if len(self._streams) >= MOST:
            hint = "Close a page or a curl that listens, or ask /stats again and again instead."
            raise Refused(f"{MOST} clients listen to this event loop already", hint)
        response = web.StreamResponse(headers=HEADERS)
        response.force_close()  # a stream that has ended is no connection to ask again on
        await response.prepare(request)
        if request.method != "HEAD":
            with suppress(ConnectionError), self._listening(request.transport) as stream:
                await stream.write_to(response)
        return response

    async def end(self, _app: web.Application) -> None:
        """End all streams, and let no other one begin: the server drains."""
        self._over = True
        for stream in self._streams:
            stream.end()

    @contextmanager
    def _listening(self, transport: asyncio.Transport | None) -> Iterator[Stream]:
        """Tell a stream what happens while the context is open."""
        stream = Stream(transport)
        self._streams.add(stream)
        if not self._telling:
            ways = (self._beat_for_ever(), self._tell_for_ever())
            self._telling = [asyncio.create_task(way) for way in ways]
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            if not self._streams:
                for task in self._telling:
                    task.cancel()
                self._telling = []

    async def _beat_for_ever(self) -> None:
        whose = {"pid": os.getpid(), "thread": threading.current_thread().name}
        while True:
            self._tell({"at": round(monotonic(), 6), **whose}, b"event: beat\n")
            await asyncio.sleep(BEAT_S)

    async def _tell_for_ever(self) -> None:
        while True:
            self._tell(await self._stats())
            await asyncio.sleep(TELL_S)

    def _tell(self, what: Mapping[str, Any], kind: bytes = b"") -> None:
        message = b"%sdata: %s\n\n" % (kind, json.dumps(what, separators=(",", ":")).encode())
        for stream in self._streams:
            stream.tell(message)
