"""An odd service costs its own requests alone: each counts as what it is, and none hangs."""

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from time import monotonic

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer
from geventhttpclient._parser import HTTPResponseParser

from loadtests.load import http as client
from loadtests.load.http import PLAIN, ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import RequestSpec
from tests.support.scripted_service import Answer, Scripted, http, scripted
from tests.support.server_process import PATIENCE_S

RIGHT = b'{"result": 1}'
OK = http(RIGHT)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CUT_OFF = "ConnectionError: the answer is cut off or not HTTP: "
HUNG_UP = "ConnectionResetError: the service closed the connection unanswered"


def pieces(*parts: bytes, end: bool = False) -> Callable[[socket.socket], bool]:
    """Send parts that arrive one by one, and hang up after them at the `end`."""

    def send(connection: socket.socket) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            gevent.sleep(0.001)  # the client reads in between
        return end

    return send


def endless(start: bytes, part: bytes) -> Callable[[socket.socket], bool]:
    def send(connection: socket.socket) -> bool:
        connection.sendall(start)
        while True:
            connection.sendall(part)

    return send


def reset(*parts: bytes) -> Callable[[socket.socket], bool]:
    """End the connection with a reset."""

    def send(connection: socket.socket) -> bool:
        pieces(*parts)(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True

    return send


def head(*lines: bytes, body: bytes = RIGHT) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return HEAD + b"".join(line + b"\r\n" for line in (*lines, length, b"")) + body


WRONG = f"the body does not contain {RIGHT.decode()!r}"
ODD: dict[str, tuple[Answer, str, str | None]] = {
    "byte by byte": (pieces(*(OK[at : at + 1] for at in range(len(OK)))), "ok", None),
    "head and body apart": (pieces(OK[: -len(RIGHT)], RIGHT), "ok", None),
    "a body in two parts": (pieces(OK[:-4], OK[-4:]), "ok", None),
    "chunks apart": (
        pieces(CHUNKED, b"6\r\n", RIGHT[:6], b"\r\n7\r\n" + RIGHT[6:] + b"\r\n", b"0\r\n\r\n"),
        "ok",
        None,
    ),
    "a trailer": (CHUNKED + b"d;a=b\r\n" + RIGHT + b"\r\n0\r\nX: y\r\n\r\n", "ok", None),
    "both lengths": (
        head(b"Transfer-Encoding: chunked"),
        "failed",
        f"{CUT_OFF}Content-Length can't be present with Transfer-Encoding",
    ),
    "two lengths": (head(b"Content-Length: 99"), "failed", f"{CUT_OFF}Duplicate Content-Length"),
    "a negative length": (
        HEAD + b"Content-Length: -1\r\n\r\n",
        "failed",
        f"{CUT_OFF}Invalid character in Content-Length",
    ),
    "100 before it": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "ok", None),
    "100 and 103 apart": (
        pieces(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nLink: </>\r\n\r\n", OK),
        "ok",
        None,
    ),
    "100 and no more": (pieces(b"HTTP/1.1 100 Continue\r\n\r\n", end=True), "failed", CUT_OFF),
    "another protocol": (
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "failed",
        f"{CUT_OFF}Pause on CONNECT/Upgrade",
    ),
    "compressed": (head(b"Content-Encoding: gzip", body=gzip.compress(RIGHT)), "ok", None),
    "deflated": (head(b"Content-Encoding: deflate", body=zlib.compress(RIGHT)), "ok", None),
    "compressed and cut": (head(body=gzip.compress(RIGHT)[:12]), "wrong", WRONG),
    "compressed but not right": (head(body=gzip.compress(b"{}")), "wrong", WRONG),
    "not compressed, but alike": (head(body=b"\x1f\x8b no"), "wrong", WRONG),
    "empty": (http(b""), "wrong", WRONG),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", "wrong", WRONG),
    "a redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
        "failed",
        "HTTP 302",
    ),
    "closed each time": (head(b"Connection: close"), "ok", None),
    "closed by a proxy": (head(b"Proxy-Connection: close"), "ok", None),
    "HTTP/1.0": (OK.replace(b"/1.1", b"/1.0"), "ok", None),
    "no length": (pieces(HEAD + b"\r\n", RIGHT, end=True), "ok", None),
    "a large head": (head(*(b"X-%d: " % n + b"x" * 1000 for n in range(1000))), "ok", None),
    "a head that no text can be": (head(b"X: \xff\x80\xfe"), "ok", None),
    "a folded head": (head(b"X: a\r\n b"), "failed", f"{CUT_OFF}Unexpected whitespace"),
    "a NUL in the head": (head(b"X: a\0b"), "failed", f"{CUT_OFF}Invalid header value char"),
    "no CR": (
        OK.replace(b"\r", b""),
        "failed",
        f"{CUT_OFF}Missing expected CR after response line",
    ),
    "a small status": (OK.replace(b"200", b"099"), "failed", "HTTP 99"),
    "a large status": (OK.replace(b"200", b"999"), "failed", "HTTP 999"),
    "noise": (b"\x16\x03\x01\x02\0" * 99, "failed", f"{CUT_OFF}Expected HTTP/, RTSP/ or ICE/"),
    "noise after it": (OK + b"\0" * 99, "ok", None),
    "two answers": (OK + http(b"{}", 500), "ok", None),
    "an answer and a half": (OK + OK[:30], "ok", None),
    "a reset": (reset(), "failed", HUNG_UP),
    "a reset within it": (reset(OK[:-4]), "failed", f"{CUT_OFF}Incomplete response"),
    "a reset after it": (reset(OK), "ok", None),
    "without an end": (
        endless(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        "failed",
        "ConnectionError: the answer is larger than 1 MiB",
    ),
    "a head without an end": (
        endless(HEAD, b"X: " + b"x" * 1000 + b"\r\n"),
        "failed",
        "ConnectionError: the answer is larger than 1 MiB",
    ),
}


@pytest.fixture(scope="module")
def service() -> Iterator[Scripted]:
    answers = {f"/{number}": answer for number, (answer, *_) in enumerate(ODD.values())}
    with scripted(lambda path: answers.get(path, OK)) as scripts:
        yield scripts


@contextmanager
def sending(url: str, path: str) -> Iterator[tuple[OpenLoop, OpenLoop, list[Request]]]:
    """Requests for an odd path, and for a good one over the same connections."""
    ended: list[Request] = []
    connections = ConnectionPool(url)
    odd, good = (
        OpenLoop(connections, RequestSpec(of, target=of, text=RIGHT.decode()), ended.append)
        for of in (path, "/ok")
    )
    try:
        yield odd, good, ended
    finally:
        odd.abandon()
        connections.close()


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_counts_as_what_it_is(
    service: Scripted, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST", 1 << 20)
    _, outcome, error = ODD[name]
    with sending(service.url, f"/{list(ODD).index(name)}") as (odd, good, ended):
        for load in (odd, good, odd, odd, good):  # over new connections, and over used ones
            load.send(monotonic())
            assert load.drain(PATIENCE_S)
    assert [request.outcome for request in ended] == [outcome, "ok", outcome, outcome, "ok"]
    for number, request in enumerate(ended):
        assert request.sent
        assert request.ended
        assert request.intended <= request.sent <= request.ended
        if error is None or number in {1, 4}:
            assert request.error is None
        else:
            assert str(request.error).startswith(error)


@pytest.mark.parametrize("surplus", [b"\0", http(b"{}", 500)])
def test_what_nobody_requested_is_no_answer(surplus: bytes) -> None:
    with scripted(lambda path: OK if path == "/ok" else pieces(OK, surplus)) as scripts:
        connections = ConnectionPool(scripts.url)
        assert connections.get("/odd") == (200, RIGHT)
        [connection] = connections.idle
        with gevent.Timeout(PATIENCE_S):
            while connection.open:
                gevent.sleep(0.001)
        assert connections.get("/ok") == (200, RIGHT)
        connections.close()
        assert scripts.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        pieces(OK[:-4]),
        pieces(b"HTTP/1.1 100 Continue\r\n\r\n"),
        pieces(CHUNKED, b"1\r\n"),
        pieces(b"H"),
        pieces(),
        endless(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    ],
)
def test_an_answer_that_does_not_end_is_given_up(answer: Answer) -> None:
    with (
        scripted(lambda path: OK if path == "/ok" else answer) as scripts,
        sending(scripts.url, "/odd") as (odd, good, ended),
    ):
        patience = gevent.spawn(odd.hang_up, 0.05)
        odd.send(monotonic())
        assert odd.drain(PATIENCE_S)
        patience.kill()
        good.send(monotonic())
        assert good.drain(PATIENCE_S)
    assert [request.error for request in ended] == ["unfinished: no answer within 0.05 s", None]
    assert [request.outcome for request in ended] == ["unfinished", "ok"]


def test_an_answer_before_the_request_counts() -> None:
    def hasty(connection: socket.socket, _: object) -> None:
        connection.sendall(http(b"{}", 503))
        connection.close()  # with a reset, if the request has come

    server = StreamServer(("127.0.0.1", 0), hasty)
    server.start()
    with sending(f"http://127.0.0.1:{server.server_port}", "/any") as (load, _, ended):
        for _ in range(5):
            load.send(monotonic())
            assert load.drain(PATIENCE_S)
    server.stop()
    assert [(request.outcome, request.error) for request in ended] == [("refused", "HTTP 503")] * 5


class Parsed(HTTPResponseParser):
    """What the parser makes of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[int, bool]] = []
        self.body = b""

    def _on_body(self, body: bytes) -> None:
        self.body += body

    def _on_message_complete(self) -> None:
        self.messages.append((self.get_code(), self.should_keep_alive()))

    def _ignore(self, *_: object) -> None:
        pass

    _on_message_begin = _on_status = _ignore
    _on_header_field = _on_header_value = _on_headers_complete = _ignore


NAMES = b"Content-Length,content-length,Content-Length ,Connection,Proxy-Connection,Keep-Alive,"
NAMES += b"Transfer-Encoding,Upgrade,Date,X_y!, X,"
VALUES = b"3| 3|  3| 03| 3 | +3| 3,3| close| keep-alive| chunked| \xff|\0|\x7f|a\tb|\r|"
STARTS = (
    b"HTTP/1.1 200 OK|HTTP/1.1 503 \xe9|HTTP/1.1 200|http/1.1 200 OK|HTTP/1.0 200 OK|HTTP/1.1 204 "
    b"|HTTP/1.1 201 Created|HTTP/1.1 304 X|HTTP/1.1 404 X|HTTP/1.1 100 X|HTTP/1.1 205 X"
)
ENDS = (b"\r\n", b"\n", b"\r\n ")
LENGTHS = (b"Content-Length: 3\r\n", b"CONTENT-LENGTH:3\r\n", b"")
BODIES = (b"abc", b"", b"abcd")


def test_a_plain_answer_is_what_the_parser_says() -> None:
    """The quick way of reading an answer takes none that the parser would read differently."""
    plain = 0
    for name, value, end in product(NAMES.split(b","), VALUES.split(b"|"), ENDS):
        line = name + b":" + value + end
        for start, length, body in product(STARTS.split(b"|"), LENGTHS, BODIES):
            for answer in (
                b"".join((start, b"\r\n", line, length, b"\r\n", body)),
                b"".join((start, b"\r\n", length, line, b"\r\n", body)),
            ):
                match = PLAIN.match(answer)
                if match and len(answer) - match.end() == int(match[2]):
                    plain += 1
                    parsed = Parsed()
                    parsed.feed(answer)
                    assert parsed.messages == [(int(match[1]), True)], answer
                    assert parsed.body == answer[match.end() :], answer
    assert plain > 100


def test_usual_answers_are_plain() -> None:
    usual = head(b"Content-Type: application/json", b"Server-Timing: ran;dur=1.0", b"Server: x/1")
    for answer in (usual, OK, http(b"", 503), OK.replace(b"Content-L", b"content-l")):
        plain = PLAIN.match(answer)
        assert plain
        assert len(answer) - plain.end() == int(plain[2])
