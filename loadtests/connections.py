"""Keep-alive connections to one service, with as little of our own CPU for a request as possible.

Locust's FastHttpUser spends most of its time on cookies, redirects and URLs, which a measurement
of a local service has no use for. Parsing is geventhttpclient's, in C.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from gevent import socket
from geventhttpclient.response import HTTPParseError, HTTPResponse

CHUNK = 65536


class Reply(NamedTuple):
    status: int
    body: bytes


class Connections:
    """A stack of idle connections: each request takes the last used one, or makes another.

    `timeout_s` bounds every single wait for the network.
    """

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._timeout_s = timeout_s
        self._head = f"Host: {parts.netloc}\r\nAccept: application/json\r\n\r\n"
        self._requests: dict[str, bytes] = {}
        self._idle: list[socket.socket] = []

    def get(self, path: str) -> Reply:
        """Send a GET and read the answer. Raises OSError when there is none."""
        request = self._requests.get(path)
        if request is None:
            request = self._requests[path] = f"GET {path} HTTP/1.1\r\n{self._head}".encode()
        while self._idle:
            try:
                return self._ask(self._idle.pop(), request)
            except _Stale:
                continue  # the service had closed the idle connection; nothing was processed
        connection = socket.create_connection(self._address, self._timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self._ask(connection, request)
        except _Stale:
            raise ConnectionResetError("the service closed the connection unanswered") from None

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _ask(self, connection: socket.socket, request: bytes) -> Reply:
        response = HTTPResponse()
        keep = False
        try:
            try:
                connection.sendall(request)
                chunk = connection.recv(CHUNK)
            except (BrokenPipeError, ConnectionResetError):
                raise _Stale from None
            if not chunk:
                raise _Stale
            try:
                response.feed(chunk)
                while chunk and not response.message_complete:
                    chunk = connection.recv(CHUNK)
                    response.feed(chunk)  # the end of the stream ends an answer without a length
            except HTTPParseError as error:
                why = error.args[0]
                raise ConnectionError(f"the answer is cut off, or no HTTP: {why}") from None
            keep = not response.should_close()
            return Reply(response.status_code, bytes(response._body_buffer))  # noqa: SLF001
        finally:
            if keep:
                self._idle.append(connection)
            else:
                connection.close()


class _Stale(Exception):
    """A connection that was closed by the other side while it was idle."""
