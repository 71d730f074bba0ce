"""Connections are reused, replaced when they are stale, and fail with one kind of error."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import gevent
import pytest
from gevent import socket

from loadtests.load.http import ConnectionPool
from tests.support.scripted_service import Scripted, http, scripted

CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
ANSWERS = {
    "/": http(b"hello"),
    "/empty": http(b""),
    "/large": http(b"x" * 1_000_000),
    "/refused": http(b"busy", 503),
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "/cut": CLOSING + b"Content-Length: 100\r\n\r\ntoo short",
    "/cut-chunks": CLOSING + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "/cut-head": CLOSING,
    "/nonsense": b"SSH-2.0-OpenSSH_9.2\r\nConnection: close\r\n\r\n",
    "/silence": None,
}


def test_the_private_parser_of_geventhttpclient_is_there() -> None:
    """Should it vanish: pin the last release that has it, or let `Call` wrap what replaces it."""
    parser = import_module("geventhttpclient._parser")
    needed = {"feed", "get_code", "should_keep_alive"}
    assert needed <= set(dir(parser.HTTPResponseParser))
    assert issubclass(parser.HTTPParseError, Exception)


@contextmanager
def asking(timeout_s: float = 30.0) -> Iterator[tuple[Scripted, ConnectionPool]]:
    with scripted(lambda path: ANSWERS[path]) as service:
        connections = ConnectionPool(service.url, timeout_s)
        try:
            yield service, connections
        finally:
            connections.close()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"hello"),
        ("/empty", 200, b""),
        ("/large", 200, b"x" * 1_000_000),
        ("/refused", 503, b"busy"),
        ("/chunked", 200, b"abcde"),
    ],
)
def test_answers_of_every_form_keep_their_connection(path: str, status: int, body: bytes) -> None:
    with asking() as (service, connections):
        assert [connections.get(path) for _ in range(3)] == [(status, body)] * 3
        assert connections.get("/") == (200, b"hello")
        assert service.connections == 1


def test_requests_are_plain_http() -> None:
    with asking() as (service, connections):
        connections.get("/")
        [head] = service.heads
    lines = head.split("\r\n")
    assert lines[0] == "GET / HTTP/1.1"
    assert f"Host: {service.url.removeprefix('http://')}" in lines


def test_as_many_connections_as_there_are_requests_at_once() -> None:
    with asking() as (service, connections):
        for _ in range(2):
            clients = [gevent.spawn(connections.get, "/") for _ in range(5)]
            gevent.joinall(clients, raise_error=True)
        assert (len(service.heads), service.connections) == (10, 5)


def test_stale_connections_are_replaced() -> None:
    with asking() as (service, connections):
        gevent.joinall([gevent.spawn(connections.get, "/") for _ in range(3)], raise_error=True)
        service.hang_up()
        assert connections.get("/") == (200, b"hello")
        assert service.connections == 4
        assert connections.get("/") == (200, b"hello")
        assert service.connections == 4


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/silence", "closed the connection unanswered"),
        ("/cut", "cut off or not HTTP: Incomplete response"),
        ("/cut-chunks", "cut off or not HTTP: Incomplete response"),
        ("/cut-head", "cut off or not HTTP: Invalid EOF state"),
        ("/nonsense", "cut off or not HTTP: Expected HTTP/"),
    ],
)
def test_a_broken_answer_is_an_error_and_the_next_one_is_fine(path: str, message: str) -> None:
    with asking() as (_, connections):
        with pytest.raises(OSError, match=message):
            connections.get(path)
        assert connections.get("/") == (200, b"hello")


def test_a_service_that_is_gone_is_an_error() -> None:
    with asking() as (service, connections):
        connections.get("/")
        service.stop()
        service.hang_up()
        with pytest.raises(ConnectionRefusedError):
            connections.get("/")


def test_no_wait_is_longer_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # it listens, but never accepts
        connections = ConnectionPool(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout_s=0.05)
        with pytest.raises(TimeoutError):
            connections.get("/")


def test_a_name_with_several_addresses_finds_the_one_that_answers() -> None:
    with scripted(lambda path: ANSWERS[path]) as service:
        connections = ConnectionPool(service.url.replace("127.0.0.1", "localhost"))
        assert connections.get("/") == (200, b"hello")
        connections.close()


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(OSError, match=r"not known|No address|resolution"):
        ConnectionPool("http://nobody.invalid")
