"""Answers that are written in one piece are what aiohttp would have written."""

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from time import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.web.work_answer import JSON, LARGEST, WorkAnswer

TIMING = "total;dur=0.140"
SMALL, LARGE = b'{"of": "ours"}\n', b'"%b"\n' % (LARGEST * b"x")


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """A server with the same answers at `/ours` and `/theirs`; the path's end names the body."""

    def body(request: web.Request) -> bytes:
        return LARGE if request.match_info["size"] == "large" else SMALL

    async def ours(request: web.Request) -> web.StreamResponse:
        return WorkAnswer(body(request), TIMING)

    async def theirs(request: web.Request) -> web.StreamResponse:
        headers = {**JSON, "Server-Timing": TIMING}
        return web.Response(body=body(request), headers=headers)

    async def last(_request: web.Request) -> web.StreamResponse:
        answer = WorkAnswer(SMALL, TIMING)
        answer.force_close()
        return answer

    app = web.Application()
    app.router.add_get("/ours/{size}", ours, allow_head=False)
    app.router.add_get("/theirs/{size}", theirs, allow_head=False)
    app.router.add_get("/last", last)
    running = TestServer(app)
    async with running:
        yield running


async def ask(server: TestServer, *heads: str) -> list[tuple[str, dict[str, str], bytes]]:
    """Send requests over one connection, all at once, and read an answer to each."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write("".join(f"{head}Host: here\r\n\r\n" for head in heads).encode())
    answers = []
    for _ in heads:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        headers = dict(header.split(": ", 1) for header in lines)
        answers.append((line, headers, await reader.readexactly(int(headers["Content-Length"]))))
    if headers.get("Connection") == "close":
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    return answers


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1\r\n",
        "HTTP/1.1\r\nConnection: close\r\n",
        "HTTP/1.0\r\n",
        "HTTP/1.0\r\nConnection: keep-alive\r\n",
    ],
)
async def test_the_answer_is_that_of_aiohttp(server: TestServer, head: str, size: str) -> None:
    before = int(time())
    ((line, headers, body),) = await ask(server, f"GET /ours/{size} {head}")
    assert before <= parsedate_to_datetime(headers.pop("Date")).timestamp() <= time()
    ((their_line, their_headers, their_body),) = await ask(server, f"GET /theirs/{size} {head}")
    del their_headers["Date"]
    assert (line, headers, body) == (their_line, their_headers, their_body)


async def test_answers_come_in_the_order_of_the_requests(server: TestServer) -> None:
    sizes = ["small", "large", "small", "small"]
    answers = await ask(server, *(f"GET /ours/{size} HTTP/1.1\r\n" for size in sizes))
    assert [len(body) > LARGEST for *_, body in answers] == [size == "large" for size in sizes]


async def test_the_last_answer_before_the_end_closes_the_connection(server: TestServer) -> None:
    ((line, headers, body),) = await ask(server, "GET /last HTTP/1.1\r\n")
    assert (line, headers["Connection"], body) == ("HTTP/1.1 200 OK", "close", SMALL)
