"""The stream of `/events`, read as a browser reads it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.server_process import PATIENCE_S, Running


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    data: Any


class Listener:
    """Reads a stream as a browser does."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> list[str]:
        """Read the lines up to the next empty one; none at the end of the stream."""
        lines = []
        while line := (await self.response.content.readline()).decode():
            if line == "\n":
                break
            assert line.endswith("\n")
            lines.append(line[:-1])
        return lines

    async def next(self, kind: str = "") -> Event:
        """Wait for an event, of this kind if one is given."""
        async with asyncio.timeout(PATIENCE_S):
            while lines := await self.block():
                fields = dict(line.split(": ", 1) for line in lines)
                assert len(fields) == len(lines)
                assert fields.keys() <= {"event", "data"}
                event = Event(fields.get("event", "message"), json.loads(fields["data"]))
                if kind in ("", event.kind):
                    return event
        raise EOFError

    async def ended(self) -> bool:
        while await self.block():
            pass
        return self.response.content.at_eof()


@asynccontextmanager
async def listening(server: Running) -> AsyncIterator[Listener]:
    timeout = aiohttp.ClientTimeout(PATIENCE_S)
    async with (
        aiohttp.ClientSession(server.url, timeout=timeout) as session,
        session.get("/events") as response,
    ):
        assert response.status == 200
        listener = Listener(response)
        assert await listener.block() == ["retry: 1000"]
        yield listener
