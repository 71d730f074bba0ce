"""One connection to a service, driven by the event loop: no greenlet waits for its answers.

A greenlet that sleeps until its answer comes costs two switches, and a watcher that is begun and
ended each time. Here one watcher lives as long as the connection. Parsing is geventhttpclient's,
in C; of the headers, only what the parser itself has to know is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from errno import EINPROGRESS
from typing import Any, NamedTuple

from gevent import get_hub, socket
from gevent.monkey import get_original
from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

CHUNK = 65536
READ, WRITE = 1, 2  # the loop's names of what one can wait for
# The event loop does the waiting: a socket that does it as well would cost its own.
_native: Any = get_original("socket", "socket")

Address = tuple[int, Any]  # the family, and the address within it


class Reply(NamedTuple):
    status: int
    body: bytes


class Call(HTTPResponseParser):
    """One request, and what has come of its answer; `heard` is told of its end, once."""

    def __init__(self, request: bytes, heard: Callable[[Reply | OSError], None]) -> None:
        super().__init__()
        self.request = request
        self.heard = heard
        self.connection: Connection | None = None
        self.begun = False
        self.complete = False
        self._body: list[bytes] = []

    @property
    def reply(self) -> Reply:
        return Reply(self.get_code(), b"".join(self._body))

    def give_up(self) -> None:
        """Let go of the answer: its connection is closed, and `heard` is not told."""
        self.heard = _nobody
        if self.connection is not None:
            self.connection.close()

    # What the parser calls; it wants all of them to be there.

    def _on_message_begin(self) -> None:
        self.begun = True

    def _on_body(self, body: bytes) -> None:
        self._body.append(body)

    def _on_message_complete(self) -> None:
        self.complete = True

    def _ignore(self, *_: object) -> None:
        pass

    _on_status = _on_header_field = _on_header_value = _on_headers_complete = _ignore


def _nobody(_: Reply | OSError) -> None:
    pass


class Connection:
    """Carries one call at a time; `over` is told of each end of one, with what went wrong.

    Raises OSError if it cannot even be begun. One that is closed by the service while nobody asks
    closes itself.
    """

    def __init__(
        self, address: Address, over: Callable[[Connection, Call, OSError | None], None]
    ) -> None:
        family, where = address
        self.open = True
        self.used = False  # something was answered on it: it may have gone stale since
        self._over = over
        self._call: Call | None = None
        self._unsent = b""
        self._socket = _native(family)
        loop = get_hub().loop
        self._reading: Any = loop.io(self._socket.fileno(), READ)
        self._writing: Any = loop.io(self._socket.fileno(), WRITE)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(where)
        if code not in (0, EINPROGRESS):
            self.close()
            raise OSError(code, os.strerror(code))
        self._writing.start(self._connected)

    def ask(self, call: Call) -> None:
        """Begin a call; `over` is never told of its end before this returns."""
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
            return  # it is stale: reading says so at once
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._writing.start(self._go_on)

    def _go_on(self) -> None:
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
            self.close()  # the service has ended it, or talks without having been asked
        elif chunk or call.begun:
            self._take(call, chunk)
        else:
            self._end(ConnectionResetError("the service closed the connection unanswered"))

    def _take(self, call: Call, chunk: bytes) -> None:
        try:
            call.feed(chunk)  # the end of the stream ends an answer without a length
        except HTTPParseError as error:
            why = error.args[0]
            self._end(ConnectionError(f"the answer is cut off, or no HTTP: {why}"))
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
            self._over(self, call, error)
