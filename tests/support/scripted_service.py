"""A tiny HTTP service whose every answer the test decides, in greenlets of the test itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
from gevent import socket, ssl
from gevent.server import StreamServer

from tests.support.server_process import PATIENCE_S

CERTIFICATE = Path(__file__).with_name("certificate.pem")  # for localhost, with its own key
# All bytes of it, or what sends them (the service hangs up where that returns True), or none: it
# hangs up at once.
Answer = bytes | Callable[[socket.socket], bool | None] | None


def http(body: bytes = b'{"result": 1}', status: int = 200) -> bytes:
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


class Scripted:
    """Counts what came, and answers each path as told; a connection stays open unless it says so.

    `arrived` holds the monotonic seconds at which requests came. If it is `secure`, it has a
    certificate that nobody knows.
    """

    def __init__(self, answer: Callable[[str], Answer], *, secure: bool = False) -> None:
        self._answer = answer
        self._open: set[socket.socket] = set()
        encryption: dict[str, Any] = {}
        if secure:
            encryption["ssl_context"] = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self._server = StreamServer(("127.0.0.1", 0), self._serve, **encryption)
        self._server.start()
        self.url = f"http{'s' * secure}://127.0.0.1:{self._server.server_port}"
        self.connections = 0
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self.arrived: list[float] = []

    def _serve(self, connection: socket.socket, _address: object) -> None:
        self.connections += 1
        self._open.add(connection)
        try:
            while (request := _request(connection)) is not None:
                head, body = request
                self.arrived.append(monotonic())
                self.heads.append(head)
                self.bodies.append(body)
                answer = self._answer(head.split()[1])
                if answer is None:
                    return
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                    if b"Connection: close" in answer:
                        return
                elif answer(connection):
                    return
        except OSError:
            pass  # the client has gone, or the test hung up
        finally:
            self._open.discard(connection)
            connection.close()

    def begun(self, count: int) -> None:
        """Wait until so many requests have come."""
        with gevent.Timeout(PATIENCE_S):
            while len(self.arrived) < count:
                gevent.sleep(0.001)

    def hang_up(self) -> None:
        """Close all connections, as a server does with those that are idle for long."""
        for connection in list(self._open):
            connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._server.stop(timeout=0)
        self._server.close()


@contextmanager
def scripted(answer: Callable[[str], Answer], *, secure: bool = False) -> Iterator[Scripted]:
    service = Scripted(answer, secure=secure)
    try:
        yield service
    finally:
        service.stop()


def _request(connection: socket.socket) -> tuple[str, bytes] | None:
    """Read a head and its body; None when the client has gone."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := connection.recv(4096)):
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    while len(body) < (int(length[1]) if length else 0):
        if not (chunk := connection.recv(4096)):
            return None
        body += chunk
    return f"{head.decode()}\r\n\r\n", body
