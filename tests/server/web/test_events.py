"""`/events`: its messages, their form, and that no stream delays anything."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import jsonschema_rs
import psutil
import pytest

from server.lifecycle.draining import DRAIN_S
from server.web.events import BEHIND, MOST, Stream
from tests.support.server_process import Client, Running, asking, running, until
from tests.support.several_loops import SEVERAL, one_each, serving
from tests.support.sse_client import listening

FEW = ("--models", "inline,thread-pool", "--threads", "1", "--deadline", "60s")
ASK = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    with running("--loop", request.param, *FEW) as started:
        yield started


async def test_messages_have_the_content_of_stats(client: Client) -> None:
    described = (await client.ask("/openapi.json")).json
    place = "#/components/schemas/Statistics"
    form = jsonschema_rs.validator_for({"$ref": place, **described})
    stats = (await client.ask("/stats")).json
    async with listening(client.server) as listener:
        headers = listener.response.headers
        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        messages = [(await listener.next("message")).data for _ in range(2)]
    for message in messages:
        form.validate(message)
        assert list(message) == list(stats)
        assert list(message["models"]) == list(stats["models"])
    assert stats["uptime_s"] < messages[0]["uptime_s"] < messages[1]["uptime_s"]


async def test_beats_stop_while_the_loop_is_blocked(client: Client) -> None:
    async with listening(client.server) as listener:
        last = (await listener.next("beat")).data
        assert list(last) == ["at", "pid", "thread"]
        assert (last["pid"], last["thread"]) == (client.server.pid, "MainThread")
        with client.server.shut():
            blocking = asyncio.create_task(client.ask("/hold/inline"))
            await client.server.begun(1)
            silent = False
            while not silent:  # beats from before it was blocked are still unread
                try:
                    async with asyncio.timeout(0.5):
                        last = (await listener.next("beat")).data
                except TimeoutError:
                    silent = True
        ran_s = (await blocking).json["ms"]["ran"] / 1e3
        assert (await listener.next("beat")).data["at"] - last["at"] >= ran_s > 0.4


async def test_head_describes_the_stream_and_ends(client: Client) -> None:
    answer = await client.ask("/events", "HEAD")
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_a_client_that_hangs_up_leaves_nothing_and_makes_room(client: Client) -> None:
    process = psutil.Process(client.server.pid)
    await client.ask("/health")
    before = process.num_fds()
    for _ in range(2):  # all places are free again the second time
        streams = []
        for _ in range(MOST):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
            streams.append(writer)
            writer.write(ASK)
            assert b" 200 OK" in await reader.readline()
        refused = await client.ask("/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert refused.error["type"] == "Refused"
        for writer in streams:
            writer.close()

        async def as_before() -> bool:
            return process.num_fds() <= before

        await until(as_before)
    async with listening(client.server) as listener:
        await listener.next("message")


@pytest.mark.parametrize(("loop", "admission"), [("uvloop", "unbounded"), ("asyncio", "deadline")])
async def test_open_streams_do_not_delay_the_end(loop: str, admission: str, database: None) -> None:
    with running("--loop", loop, *FEW, "--admission", admission) as server:
        async with listening(server) as listener:
            await listener.next("beat")
            with closing(socket.create_connection(("127.0.0.1", server.port))) as deaf:
                deaf.sendall(ASK)  # and it never reads
                async with asking(server) as client:
                    await client.ask("/health")
                server.process.terminate()
                assert await listener.ended()
                assert await asyncio.to_thread(server.process.wait, DRAIN_S / 2) == 0
        lines = server.complaints().splitlines()
        assert not [line for line in lines if "--admission unbounded has no bound" not in line]


@asynccontextmanager
async def deaf() -> AsyncIterator[Any]:
    """Yield a connection whose other end reads nothing."""
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        _, writer = await asyncio.open_connection(sock=ours)
        yield writer.transport
        writer.transport.abort()


async def test_a_client_that_falls_behind_is_disconnected() -> None:
    async with deaf() as transport:
        stream = Stream(transport)
        for _ in range(BEHIND):
            stream.send(b"data: 1\n\n")
        assert not transport.is_closing()
        stream.send(b"data: 1\n\n")
        assert transport.is_closing()


async def test_a_client_that_does_not_read_does_not_delay_the_end() -> None:
    async with deaf() as transport:
        transport.write(bytes(2**22))
        Stream(transport).end()
        assert transport.is_closing()


@pytest.mark.parametrize("several", SEVERAL)
async def test_each_loop_sends_its_own_beats_and_all_statistics(
    several: str, database: None
) -> None:
    with serving(several, "uvloop") as server:
        async with one_each(server) as clients:
            loops = set(clients)
        heard: dict[tuple[int, str], Any] = {}

        async def both() -> bool:
            async with listening(server) as listener:
                beat = (await listener.next("beat")).data
                stats = (await listener.next("message")).data
            heard[beat["pid"], beat["thread"]] = stats
            return len(heard) == 2

        await until(both)
        assert heard.keys() == loops
        for stats in heard.values():
            assert {(loop["pid"], loop["thread"]) for loop in stats["loops"]} == loops
