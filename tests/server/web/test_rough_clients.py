"""No client takes the server down or delays others: it gets an answer or is disconnected."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator
from itertools import repeat
from time import monotonic

import psutil
import pytest

from server.lifecycle.sockets import LINGER_S
from server.web.answers import Error
from server.web.connection import CONTINUE
from tests.support.bad_clients import BOUND_S, descriptors, heard, undisturbed
from tests.support.hasty_server import KEEPALIVE_S
from tests.support.server_process import PATIENCE_S, Running, asking, running, until

FEW = ("--models", "inline,async,thread-pool", "--threads", "2")
IDLE = 1000
RETRY_S = 1.0  # asyncio tries to accept again after this
REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
POST = REQUEST.replace(b"GET", b"POST")
CELL = REQUEST.replace(b"/health", b"/noop/inline")
SLOW = CELL.replace(b"/noop/inline", b"/sleep/async?ms=50")
ENDLESS = CELL.replace(b"/noop/inline", b"/sleep/async?ms=5000")
CLOSE = b"Connection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
GIANT = 2**40
PIECE = bytes(2**16)
CHUNK = b"10000\r\n" + PIECE + b"\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200))


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    with (
        descriptors(2 * IDLE + 500),
        running("--loop", request.param, *FEW, module="tests.support.hasty_server") as started,
    ):
        yield started


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", id="giant request line"),
        pytest.param(REQUEST + b"X: " + b"a" * 100_000 + b"\r\n\r\n", id="giant header"),
        pytest.param(REQUEST + b"X: a\r\n" * 1000 + b"\r\n", id="too many headers"),
        pytest.param(os.urandom(16) + bytes(range(256)) * 4 + b"\r\n\r\n", id="garbage"),
        pytest.param(REQUEST.replace(b"HTTP/1.1", b"HTTP/9.9") + b"\r\n", id="wrong version"),
        pytest.param(REQUEST.replace(b"HTTP/1.1", b"SMTP") + b"\r\n", id="no version"),
        pytest.param(POST + CHUNKED + b"zz\r\nbody\r\n0\r\n\r\n", id="bad chunk"),
        pytest.param(POST + b"Content-Length: -1\r\n\r\n", id="bad length"),
        pytest.param(POST + b"Content-Length: 1\r\n" + CHUNKED + b"0\r\n\r\n", id="two lengths"),
        pytest.param(REQUEST + b"X: a\0b\r\n\r\n", id="NUL in a header"),
        pytest.param(b"GET /\0health HTTP/1.1\r\nHost: localhost\r\n\r\n", id="NUL in the path"),
        pytest.param(HELLO + b"\r\n\r\n", id="TLS"),
        pytest.param(REQUEST.replace(b"GET", b"FOO") + b"\r\n", id="unknown method"),
        pytest.param(REQUEST.replace(b"GET", b"get") + b"\r\n", id="small letters"),
        pytest.param(b"GET /health HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(REQUEST + b"Host: localhost\r\n\r\n", id="two hosts"),
        pytest.param(b"GET http://[::1/ HTTP/1.1\r\nHost: localhost\r\n\r\n", id="bad address"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
    ],
)
async def test_malformed_requests_are_refused_and_the_connection_closed(
    request_bytes: bytes, server: Running
) -> None:
    async with undisturbed(server):
        head, _, body = (await heard(server, request_bytes)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert "cannot be read: " in Error.model_validate_json(body).error.message


@pytest.mark.parametrize(
    ("request_bytes", "status", "message"),
    [
        (REQUEST.replace(b"/health", b"/%0d%0ax"), 404, "unknown workload '\\r\\nx'"),
        (REQUEST.replace(b"/health", b"/noop/%0A"), 404, "unknown model '\\n'"),
        (REQUEST.replace(b"/health", b"/page/x"), 404, "unknown file of the page 'x'"),
        (REQUEST.replace(b"GET /health", b"CONNECT x:1"), 405, "/ does not accept CONNECT"),
        (REQUEST.replace(b"GET /health", b"OPTIONS *"), 405, "/ does not accept OPTIONS"),
        (REQUEST + b"Expect: banana\r\n", 417, "cannot meet the expectation 'banana'"),
        (REQUEST.replace(b"health", b"no") + b"Expect: 100-continue\r\n", 404, "'no'"),
    ],
    ids=str,
)
async def test_every_error_is_the_same_json(
    request_bytes: bytes, status: int, message: str, server: Running
) -> None:
    answer = await heard(server, request_bytes + CLOSE)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
    assert message in Error.model_validate_json(body).error.message
    assert server.complaints() == ""


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
async def test_a_refused_change_of_protocols_ends_the_connection(
    protocol: bytes, server: Running
) -> None:
    change = b"Connection: Upgrade\r\nUpgrade: %s\r\n\r\n" % protocol
    answer = await heard(server, REQUEST + change + REQUEST + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("request_bytes", "answered"),
    [
        (b"", 0),
        (b"GET /hea", 0),
        (REQUEST + b"\r\n", 1),
        (b"GET /health HTTP/1.0\r\n\r\n", 1),
        (ENDLESS.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n", 0),
        (3 * (SLOW + b"\r\n"), 3),
        (REQUEST + b"Content-Length: 10\r\n\r\nab", 1),
    ],
    ids=str,
)
async def test_a_client_that_will_send_no_more_is_answered(
    request_bytes: bytes, answered: int, server: Running
) -> None:
    async with undisturbed(server):
        answer = await heard(server, request_bytes, half_closed=True)
    assert answer.count(b" 200 OK\r\n") == answered
    *before, last = answer.split(b" 200 OK\r\n")
    assert CONTINUE not in last if before else answer == b""


async def test_a_client_that_is_gone_after_it_said_so_is_not_served(server: Running) -> None:
    async def cancelled() -> int:
        async with asking(server) as client:
            models = (await client.ask("/stats")).json["models"]
        return int(models["async"]["cancelled"])

    before = await cancelled()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(ENDLESS + b"\r\n")
    writer.write_eof()
    assert await reader.readexactly(len(CONTINUE)) == CONTINUE
    writer.close()

    async def so() -> bool:
        return await cancelled() == before + 1

    await until(so)


async def test_a_silent_client_is_disconnected(server: Running) -> None:
    async with undisturbed(server):
        began = monotonic()
        starts = [b"", b"GET /hea", REQUEST, REQUEST + b"X: a"]
        assert not any(await asyncio.gather(*(heard(server, start) for start in starts)))
        assert KEEPALIVE_S * 0.9 < monotonic() - began < KEEPALIVE_S + BOUND_S


async def test_a_client_that_sends_a_head_byte_by_byte_is_disconnected(server: Running) -> None:
    sent = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal sent
        for byte in REQUEST + b"X: " + b"a" * 8000:
            yield bytes([byte])
            sent += 1
            await asyncio.sleep(0.01)

    async with undisturbed(server):
        began = monotonic()
        assert await heard(server, slowly()) == b""
        assert monotonic() - began < KEEPALIVE_S + BOUND_S
    assert 10 < sent < 1000


async def test_a_giant_body_is_refused_and_not_kept(server: Running) -> None:
    process = psutil.Process(server.pid)

    async def endlessly(head: bytes, piece: bytes) -> AsyncIterator[bytes]:
        yield head
        for part in repeat(piece):
            yield part
            await asyncio.sleep(0.005)

    length = b"Content-Length: %d\r\n\r\n" % GIANT
    bodies = [
        (method, *body) for method in (CELL, POST) for body in ((length, PIECE), (CHUNKED, CHUNK))
    ]
    async with undisturbed(server):
        before, began = process.memory_info().rss, monotonic()
        requests = (endlessly(head + how, piece) for head, how, piece in bodies)
        answers = await asyncio.gather(*(heard(server, request) for request in requests))
        assert [answer.split(b" ", 2)[1] for answer in answers] == [b"400", b"400", b"405", b"405"]
        assert all(answer.endswith(b"}\n") for answer in answers)
        assert process.memory_info().rss - before < 2**25
        assert monotonic() - began < LINGER_S + BOUND_S


async def test_requests_in_one_piece_are_answered_in_order(server: Running) -> None:
    paths = [b"/noop/thread-pool", b"/health", b"/no", b"/noop/inline", b"/ready"] * 2
    requests = [REQUEST.replace(b"/health", path) + b"\r\n" for path in paths]
    requests[-1] = requests[-1].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with undisturbed(server):
        answers = await heard(server, b"".join(requests))
    signs = [b'"thread-pool"', b'"ok"', b"404 Not", b'"inline"', b'"ready"'] * 2
    assert answers.count(b"HTTP/1.1 ") == len(paths)
    places = [answers.index(signs[0])]
    for sign in signs[1:]:
        places.append(answers.index(sign, places[-1]))


@pytest.mark.measures  # how soon others are answered
async def test_a_thousand_idle_connections_delay_no_one(server: Running) -> None:
    async with undisturbed(server):
        idle = [asyncio.open_connection("127.0.0.1", server.port) for _ in range(IDLE)]
        opened = await asyncio.gather(*idle)
        ends = await asyncio.gather(*(reader.read() for reader, _ in opened))
        assert not any(ends)  # cut at the deadline
        for _, writer in opened:
            writer.close()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_a_server_without_descriptors_waits_for_some(loop: str, database: None) -> None:
    with running("--loop", loop, *FEW) as server:
        process = psutil.Process(server.pid)
        async with asking(server) as client:
            assert (await client.ask("/noop/thread-pool")).status == 200
            most = process.num_fds() + 20
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, most))
            # As many as are free again at the end, so that asyncio accepts them at its next try.
            knocking = [asyncio.open_connection("127.0.0.1", server.port) for _ in range(35)]
            taken = [writer for _, writer in await asyncio.gather(*knocking)]

            async def exhausted() -> bool:
                return process.num_fds() >= most - 1

            await until(exhausted)
            cpu, began = sum(process.cpu_times()[:2]), monotonic()
            while monotonic() - began < 2 * RETRY_S:
                for path in ("/health", "/noop/thread-pool"):
                    sent = monotonic()
                    assert (await client.ask(path)).status == 200
                    assert monotonic() - sent < BOUND_S
                await asyncio.sleep(0.05)
            assert sum(process.cpu_times()[:2]) - cpu < 0.5 * (monotonic() - began)
            for writer in taken:
                writer.close()

            async def serves() -> bool:
                return b" 200 " in await heard(server, REQUEST + b"Connection: close\r\n\r\n")

            async with asyncio.timeout(RETRY_S + BOUND_S):
                await until(serves)
        server.process.terminate()
        assert await asyncio.to_thread(server.process.wait, PATIENCE_S) == 0
        lines = server.complaints().splitlines()
        assert len(lines) == (loop == "asyncio")
        assert all("connections wait: Too many open files" in line for line in lines)
