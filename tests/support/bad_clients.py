"""Misbehaving clients, and a well-behaved one that must not suffer from them."""

import asyncio
import resource
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic

import psutil

from tests.support.server_process import PATIENCE_S, Running, asking, until

BOUND_S = 2.0  # far beyond what an answer takes, even on a busy machine


@contextmanager
def descriptors(count: int) -> Iterator[None]:
    """Allow at least this many file descriptors, in this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def heard(
    server: Running, sent: bytes | AsyncIterable[bytes], *, half_closed: bool = False
) -> bytes:
    """Send something, or its pieces, and return what is received until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    received = bytearray()

    async def read() -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                received.extend(piece)

    async def write() -> None:
        with suppress(ConnectionError):
            if isinstance(sent, bytes):
                writer.write(sent)
            else:
                async for piece in sent:
                    writer.write(piece)
                    await writer.drain()
            if half_closed:
                writer.write_eof()

    writing = asyncio.create_task(write())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await read()
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return bytes(received)


@asynccontextmanager
async def undisturbed(server: Running) -> AsyncIterator[None]:
    """Keep a well-behaved client asking; it must be answered well, and nothing may be left."""
    process = psutil.Process(server.pid)
    async with asking(server) as client:

        async def ask() -> None:
            began = monotonic()
            assert (await client.ask("/health")).json == {"status": "ok"}
            assert (await client.ask("/noop/thread-pool")).json["result"] is None
            assert monotonic() - began < BOUND_S

        async def ask_repeatedly() -> None:
            while True:
                await ask()
                await asyncio.sleep(0.01)

        await ask()
        before = process.num_fds()
        asking_on = asyncio.create_task(ask_repeatedly())
        try:
            yield
        finally:
            asking_on.cancel()
        with suppress(asyncio.CancelledError):
            await asking_on
        await ask()

        async def as_before() -> bool:
            return process.num_fds() <= before

        await until(as_before)
    assert server.process.poll() is None
    assert server.complaints() == ""
