"""HTTP/1.1 over kept-alive connections, with or without TLS, driven by the event loop.

Our own client, because the generator may share the machine with the service: at 1,000 requests/s it
needs a third of the CPU of Locust's FastHttpUser (loadtests/RESULTS.md), which spends most of it on
cookies, redirects and URLs. A greenlet that sleeps until its answer comes would cost two switches,
and a watcher that is started and stopped each time; here a watcher lives as long as its connection.
geventhttpclient parses in C, with a private module that a test pins.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from functools import partial
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from gevent import get_hub, socket
from gevent.event import AsyncResult
from gevent.monkey import get_original
from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

from loadtests.load.drawn import Template
from loadtests.load.request import LARGEST, RequestSpec
from loadtests.load.tls import Tls, reason

CHUNK = 65536
READ, WRITE = 1, 2  # libev's names of the events
# The head of a plain answer, whose length is all that matters in it. The parser calls back for each
# header, which takes longer than everything else here; it reads all other answers.
_TEXT = rb"[\t -~\x80-\xff]*+\r\n"
_FRAMING = rb"(?i:content-length|transfer-encoding|(?:proxy-)?connection)"
_OTHER_HEADERS = rb"(?:(?!%b:)[!#$%%&'*+.^_`|~0-9A-Za-z-]++:%b)*+" % (_FRAMING, _TEXT)
PLAIN = re.compile(
    rb"HTTP/1\.1 (20[0-3]|[45]\d\d) %b%b(?i:content-length): ?(\d{1,9})\r\n%b\r\n"
    % (_TEXT, _OTHER_HEADERS, _OTHER_HEADERS)
)
# The event loop does the waiting: a gevent socket would start watchers of its own.
_native: Any = get_original("socket", "socket")

Address = tuple[int, Any]  # the family, and the address within it


class Reply(NamedTuple):
    status: int
    body: bytes


class Call:
    """One request and its answer: a status and a body, or a `failure`.

    `on_end` is called with it once, at its end.
    """

    __slots__ = ("body", "connection", "failure", "on_end", "request", "status")

    def __init__(self, request: bytes, on_end: Callable[[Any], None]) -> None:
        self.request = request
        self.on_end = on_end
        self.connection: Connection | None = None
        self.status: int | None = None
        self.body: bytes | None = None
        self.failure: OSError | None = None

    def give_up(self) -> None:
        """Give up the answer: close its connection, and do not call `on_end`."""
        self.on_end = nothing
        if self.connection is not None:
            self.connection.close()


def nothing(_: Call) -> None:
    """Do nothing at the end of a call."""


class Connection(HTTPResponseParser):
    """Carries one call at a time, and parses its answer; then it is idle, in `pool`, or closed.

    Raises OSError if connecting fails at once. When the service closes an idle connection, it
    closes itself.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__()
        family, place = pool.address
        self.open = True
        self._pool = pool
        self._used = False  # it has carried an answer, and may have gone stale since
        self._call: Call | None = None
        self._unsent = b""
        self._tls = pool.tls()
        self._begun = False  # an answer, of which the end is still to come
        self._status: int | None = None  # of the answer, once it is complete
        self._body: bytes | bytearray = b""
        self._size = 0  # of what came of an answer that is not complete
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
        """Begin a call, which never ends before this returns."""
        call.connection, self._call = self, call
        self._begun, self._status, self._body = False, None, b""
        self._unsent = call.request if self._tls is None else self._tls.seal(call.request)
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
            self._fail(OSError(code, os.strerror(code)))
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
        if self._tls is not None:
            opened = self._opened(self._tls, chunk)
            if opened is None:
                return
            chunk = opened
        call = self._call
        if call is None:
            self.close()  # the service has closed it, or sent what was not requested
            return
        plain = None if self._size else PLAIN.match(chunk)
        if plain and len(chunk) - plain.end() == int(plain[2]):
            self._status, self._body = int(plain[1]), chunk[plain.end() :]
            self._succeed(call, keep=not self._unsent)
        else:
            self._parse(call, chunk)

    def _opened(self, tls: Tls, chunk: bytes) -> bytes | None:
        """Decrypt what came; None if there is nothing to take in, now or ever."""
        try:
            opened = tls.open(chunk)
        except ssl.SSLError as error:
            self._fail(ConnectionError(reason(error, self._pool.host)))
            return None
        if answer := tls.answered():
            self._unsent += answer
            if not self._writing.active:
                self._send()
        return opened

    def _parse(self, call: Call, chunk: bytes) -> None:
        """Take in a piece of an answer; an empty one is the end of the stream."""
        wrong = None
        if chunk or self._begun:
            try:
                self.feed(chunk)  # the end of the stream ends an answer without a length
            except HTTPParseError as error:
                wrong = f"the answer is cut off or not HTTP: {error.args[0]}"
        if self._status is not None:
            whole = not (wrong or self._begun or self._unsent)  # nothing more came, or is to go
            self._succeed(call, keep=whole and bool(chunk) and self.should_keep_alive())
        elif wrong:
            self._fail(ConnectionError(wrong))
        elif not chunk:
            self._fail(ConnectionResetError("the service closed the connection unanswered"))
        else:
            self._size += len(chunk)
            if self._size > LARGEST:
                self._fail(ConnectionError(f"the answer is larger than {LARGEST >> 20} MiB"))

    def _succeed(self, call: Call, *, keep: bool) -> None:
        call.status, call.body = self._status, bytes(self._body)
        call.connection = self._call = None
        if keep:
            self._used, self._size = True, 0
            self._pool.idle.append(self)
        else:
            self.close()
        call.on_end(call)

    def _fail(self, error: OSError) -> None:
        call, stale = self._call, self._used and not self._begun
        self.close()
        if call is None:
            return
        call.connection = None
        if stale:
            self._pool.ask(call)  # the service closed it while idle, and has processed nothing
        else:
            call.failure = error
            call.on_end(call)

    # The parser calls these, and requires all of them.

    def _on_message_begin(self) -> None:
        self._begun = True

    def _on_body(self, piece: bytearray) -> None:
        if self._status is not None:
            return  # it belongs to another answer, which was not requested
        if self._body:
            self._body += piece
        else:
            self._body = piece

    def _on_message_complete(self) -> None:
        status = self.get_code()
        if self._status is None and status // 100 != 1:  # else the answer itself is to come
            self._status, self._begun = status, False

    # These do nothing, in C: a function of ours would cost a frame for each header.
    _on_status: Any = {}.get
    _on_header_field = _on_header_value = _on_status

    def _on_headers_complete(self) -> bool:
        """Return whether the answer ends here, whatever length its headers name."""
        return self._call is not None and self._call.request.startswith(b"HEAD ")


class ConnectionPool:
    """A stack of idle connections: each request takes the last used one, or opens another.

    All paths are below that of the `url`. With `insecure`, any certificate is accepted.
    `timeout_s` limits how long `get` waits. Raises OSError if the host cannot be resolved.
    """

    def __init__(self, url: str, timeout_s: float = 30.0, *, insecure: bool = False) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self.url, self.host = url, parts.hostname or "127.0.0.1"
        self.address = _resolved(self.host, parts.port or (443 if secure else 80), timeout_s)
        self.idle: list[Connection] = []
        self._tls = partial(Tls, self.host, insecure=insecure) if secure else None
        self._timeout_s = timeout_s
        self._netloc, self._base = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")

    def tls(self) -> Tls | None:
        """Return the encryption of a new connection, if there is any."""
        return None if self._tls is None else self._tls()

    def template(self, spec: RequestSpec) -> Template:
        """Prepare requests. Raises ValueError for values that cannot be drawn."""
        return Template(spec, self._netloc, self._base)

    def get(self, path: str) -> Reply:
        """Send a GET and wait for the answer. Raises OSError when there is none."""
        return self.send(RequestSpec(path, target=path))

    def send(self, spec: RequestSpec) -> Reply:
        """Send one request and wait for the answer. Raises OSError when there is none."""
        return self.reply(next(self.template(spec).requests(Random())), self.ask)  # noqa: S311

    def reply(self, request: bytes, ask: Callable[[Call], None]) -> Reply:
        """Wait for the answer to a request that `ask` sends."""
        ended: AsyncResult[Call] = AsyncResult()
        call = Call(request, ended.set)
        ask(call)
        try:
            ended.get(timeout=self._timeout_s)
        except gevent.Timeout:
            raise TimeoutError(f"no answer within {self._timeout_s:g} s") from None
        finally:
            call.give_up()  # for whatever reason the wait has ended
        if call.status is None or call.body is None:
            assert call.failure
            raise call.failure
        return Reply(call.status, call.body)

    def ask(self, call: Call) -> None:
        """Send the request of a call without waiting: the event loop ends it later."""
        while self.idle:
            connection = self.idle.pop()
            if connection.open:
                connection.ask(call)
                return
        try:
            Connection(self).ask(call)
        except OSError as error:
            call.failure = error.with_traceback(None)  # which would refer to the call
            get_hub().loop.run_callback(_end, call)

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()


def _end(call: Call) -> None:
    call.on_end(call)  # looked up now, as the call may have been given up


def _resolved(host: str, port: int, timeout_s: float) -> Address:
    """Resolve a name before any load; of several addresses, take one that accepts connections."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(addresses) > 1:
        with suppress(OSError), socket.create_connection((host, port), timeout_s) as connection:
            return connection.family, connection.getpeername()
    family, *_, place = addresses[0]
    return family, place
