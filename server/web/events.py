"""`/events`: the statistics once a second, and between them the heartbeat of this event loop.

    event loop ──▶ beat, 10 × a second ───┐
    /stats     ──▶ message, once a second ┴──▶ a short queue for each stream ──▶ its client

A beat carries the loop's own clock, so that a listener can distinguish a blocked loop from beats
that were late for another reason. Without listeners, none of this runs.
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
STATS_S = 1.0
RETRY = b"retry: 1000\n\n"  # milliseconds until a browser reconnects after the end of a stream
MOST = 32  # streams per event loop; each costs about 10 writes a second
BEHIND = 64  # messages that may wait for a client: about six seconds
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # for proxies that would buffer the stream
}


class Stream:
    """The messages that wait to be written to one client."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(BEHIND)

    def send(self, message: bytes) -> None:
        """Queue a message; a client that has not read for long is disconnected."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self._cut()

    def end(self) -> None:
        """End after the waiting messages, or at once if the client is not reading."""
        if self._waiting.full() or (self._transport and self._transport.get_write_buffer_size()):
            self._cut()
        else:
            self._waiting.put_nowait(None)

    def _cut(self) -> None:
        if self._transport:
            self._transport.abort()

    async def write_to(self, response: web.StreamResponse) -> None:
        """Write until the end. Raises ConnectionError when the client is gone."""
        await response.write(RETRY)
        while (message := await self._waiting.get()) is not None:
            await response.write(message)


class Events:
    """All streams of one event loop, and what is sent to them."""

    def __init__(self, stats: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        self._stats = stats
        self._streams: set[Stream] = set()
        self._sending: list[asyncio.Task[None]] = []
        self._over = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer with a stream that ends when its client leaves or the server drains.

        Raises Refused.
        """
        if self._over:
            raise Refused("the server is draining", "Reconnect after the restart.")
        if len(self._streams) >= MOST:
            hint = "Close another listener, or poll /stats instead."
            raise Refused(f"{MOST} clients are already listening to this event loop", hint)
        response = web.StreamResponse(headers=HEADERS)
        response.force_close()  # a connection cannot be reused after a stream
        await response.prepare(request)
        if request.method != "HEAD":
            with suppress(ConnectionError), self._listening(request.transport) as stream:
                await stream.write_to(response)
        return response

    async def end(self, _app: web.Application) -> None:
        """End all streams and refuse new ones, because the server is draining."""
        self._over = True
        for stream in self._streams:
            stream.end()

    @contextmanager
    def _listening(self, transport: asyncio.Transport | None) -> Iterator[Stream]:
        """Send everything to a stream while the context is open."""
        stream = Stream(transport)
        self._streams.add(stream)
        if not self._sending:
            loops = (self._send_beats(), self._send_stats())
            self._sending = [asyncio.create_task(loop) for loop in loops]
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            if not self._streams:
                for task in self._sending:
                    task.cancel()
                self._sending = []

    async def _send_beats(self) -> None:
        place = {"pid": os.getpid(), "thread": threading.current_thread().name}
        while True:
            self._send({"at": round(monotonic(), 6), **place}, b"event: beat\n")
            await asyncio.sleep(BEAT_S)

    async def _send_stats(self) -> None:
        while True:
            self._send(await self._stats())
            await asyncio.sleep(STATS_S)

    def _send(self, data: Mapping[str, Any], kind: bytes = b"") -> None:
        message = b"%sdata: %s\n\n" % (kind, json.dumps(data, separators=(",", ":")).encode())
        for stream in self._streams:
            stream.send(message)
