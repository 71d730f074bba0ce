"""HTTP/1.1 GET requests over kept-alive connections, driven by the event loop.

Our own client, because the generator may share the machine with the service: at 1,000 requests/s it
needs 111 µs of CPU for each, Locust's FastHttpUser 335 µs (loadtests/RESULTS.md), most of it for
cookies, redirects and URLs. A greenlet that sleeps until its answer comes would cost two switches,
and a watcher that is started and stopped each time; here a watcher lives as long as its connection.
geventhttpclient parses in C, with a private module that a test pins.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from gevent import get_hub, socket
from gevent.event import AsyncResult
from gevent.monkey import get_original
from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

CHUNK = 65536
READ, WRITE = 1, 2  # libev's names of the events
# The event loop does the waiting: a gevent socket would start watchers of its own.
_native: Any = get_original("socket", "socket")

Address = tuple[int, Any]  # the family, and the address within it


class Reply(NamedTuple):
    status: int
    body: bytes


class Call(HTTPResponseParser):
    """One request and its answer, as far as it has come; `on_end` is called once, at its end."""

    def __init__(self, request: bytes, on_end: Callable[[Reply | OSError], None]) -> None:
        super().__init__()
        self.request = request
        self.on_end = on_end
        self.connection: Connection | None = None
        self.begun = False
        self.complete = False
        self._body: list[bytes] = []

    @property
    def reply(self) -> Reply:
        return Reply(self.get_code(), b"".join(self._body))

    def give_up(self) -> None:
        """Give up the answer: close its connection, and do not call `on_end`."""
        self.on_end = _ignored
        if self.connection is not None:
            self.connection.close()

    # The parser calls these, and requires all of them.

    def _on_message_begin(self) -> None:
        self.begun = True

    def _on_body(self, body: bytes) -> None:
        self._body.append(body)

    def _on_message_complete(self) -> None:
        self.complete = True

    def _ignore(self, *_: object) -> None:
        pass

    _on_status = _on_header_field = _on_header_value = _on_headers_complete = _ignore


def _ignored(_: Reply | OSError) -> None:
    pass


class Connection:
    """Carries one call at a time; `on_end` is called at the end of each, with the error if any.

    Raises OSError if connecting fails at once. When the service closes an idle connection, it
    closes itself.
    """

    def __init__(
        self, address: Address, on_end: Callable[[Connection, Call, OSError | None], None]
    ) -> None:
        family, place = address
        self.open = True
        self.used = False  # it has carried an answer, and may have gone stale since
        self._on_end = on_end
        self._call: Call | None = None
        self._unsent = b""
        self._socket = _native(family)
        loop = get_hub().loop
        self._reading: Any = loop.io(self._socket.fileno(), READ)
        self._writing: Any = loop.io(self._socket.fileno(), WRITE)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(place)
        if code not in (0, EINPROGRESS):
            self.close()
            raise OSError(code, os.strerror(code))
        self._writing.start(self._connected)

    def ask(self, call: Call) -> None:
        """Begin a call; `on_end` is never called before this returns."""
        call.connection, self._call = self, call
        self._unsent = call.request
        if not self._writing.active:  # else it is not connected yet
            self._send()

    def close(self) -> None:
        if not self.open:
            return
        self.open, self._call = False, None
        for watcher in (self._reading, self._writing):
            watcher.stop()
            watcher.close()
        self._socket.close()

    def _connected(self) -> None:
        self._writing.stop()
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._end(OSError(code, os.strerror(code)))
            return
        self._reading.start(self._read)
        self._send()

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # it is stale: the next read reports it
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._writing.start(self._resume)

    def _resume(self) -> None:
        self._writing.stop()
        self._send()

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        call = self._call
        if call is None:
            self.close()  # the service has closed it, or sent what was not requested
        elif chunk or call.begun:
            self._take(call, chunk)
        else:
            self._end(ConnectionResetError("the service closed the connection unanswered"))

    def _take(self, call: Call, chunk: bytes) -> None:
        try:
            call.feed(chunk)  # the end of the stream ends an answer without a length
        except HTTPParseError as error:
            reason = error.args[0]
            self._end(ConnectionError(f"the answer is cut off or not HTTP: {reason}"))
            return
        if call.complete:
            self._end(None, keep=bool(chunk) and call.should_keep_alive())

    def _end(self, error: OSError | None, *, keep: bool = False) -> None:
        call, self._call = self._call, None
        if not keep:
            self.close()
        if call is not None:
            call.connection = None
            self.used = self.used or error is None
            self._on_end(self, call, error)


class ConnectionPool:
    """A stack of idle connections: each request takes the last used one, or opens another.

    `timeout_s` limits how long `get` waits. Raises OSError if the host cannot be resolved.
    """

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(url)
        self._address = _resolved(parts.hostname or "127.0.0.1", parts.port or 80, timeout_s)
        self._timeout_s = timeout_s
        self._head = f"Host: {parts.netloc}\r\nAccept: application/json\r\n\r\n"
        self._requests: dict[str, bytes] = {}
        self._idle: list[Connection] = []

    def get(self, path: str) -> Reply:
        """Send a GET and wait for the answer. Raises OSError when there is none."""
        result: AsyncResult[Reply | OSError] = AsyncResult()
        call = self.ask(path, result.set)
        try:
            reply = result.get(timeout=self._timeout_s)
        except gevent.Timeout:
            raise TimeoutError(f"no answer within {self._timeout_s:g} s") from None
        finally:
            call.give_up()  # for whatever reason the wait has ended
        if isinstance(reply, Reply):
            return reply
        assert reply is not None
        raise reply

    def ask(self, path: str, on_end: Callable[[Reply | OSError], None]) -> Call:
        """Send a GET without waiting: the event loop calls `on_end` later, which must not wait."""
        request = self._requests.get(path)
        if request is None:
            request = self._requests[path] = f"GET {path} HTTP/1.1\r\n{self._head}".encode()
        call = Call(request, on_end)
        self._begin(call)
        return call

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _begin(self, call: Call) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                connection.ask(call)
                return
        try:
            Connection(self._address, self._ended).ask(call)
        except OSError as error:
            get_hub().loop.run_callback(_fail, call, error)

    def _ended(self, connection: Connection, call: Call, error: OSError | None) -> None:
        if connection.open:
            self._idle.append(connection)
        if error is None:
            call.on_end(call.reply)
        elif connection.used and not call.begun:
            self._begin(call)  # the service closed it while it was idle, and has processed nothing
        else:
            call.on_end(error)


def _fail(call: Call, error: OSError) -> None:
    call.on_end(error)  # looked up now, as the call may have been given up


def _resolved(host: str, port: int, timeout_s: float) -> Address:
    """Resolve a name before any load; of several addresses, take one that accepts connections."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(addresses) > 1:
        with suppress(OSError), socket.create_connection((host, port), timeout_s) as connection:
            return connection.family, connection.getpeername()
    family, *_, place = addresses[0]
    return family, place
