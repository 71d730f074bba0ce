"""Keep-alive connections to one service, with as little of our own CPU for a request as possible.

Locust's FastHttpUser spends most of its time on cookies, redirects and URLs, which a measurement
of a local service has no use for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import gevent
from gevent import get_hub, socket
from gevent.event import AsyncResult

from loadtests.load.http import Address, Call, Connection, Reply


class ConnectionPool:
    """A stack of idle connections: each request takes the last used one, or makes another.

    `timeout_s` bounds how long `get` waits. Raises OSError for a host that nobody knows.
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
            said = result.get(timeout=self._timeout_s)
        except gevent.Timeout:
            raise TimeoutError(f"no answer within {self._timeout_s:g} s") from None
        finally:
            call.give_up()  # if something else has ended the waiting
        if isinstance(said, Reply):
            return said
        assert said is not None
        raise said

    def ask(self, path: str, heard: Callable[[Reply | OSError], None]) -> Call:
        """Send a GET without waiting: `heard` is told later, by the event loop, what came of it.

        So it must not wait for anything itself.
        """
        request = self._requests.get(path)
        if request is None:
            request = self._requests[path] = f"GET {path} HTTP/1.1\r\n{self._head}".encode()
        call = Call(request, heard)
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
            Connection(self._address, self._over).ask(call)
        except OSError as error:
            get_hub().loop.run_callback(_fail, call, error)

    def _over(self, connection: Connection, call: Call, error: OSError | None) -> None:
        if connection.open:
            self._idle.append(connection)
        if error is None:
            call.heard(call.reply)
        elif connection.used and not call.begun:
            self._begin(call)  # it was closed while it was idle: nothing was processed
        else:
            call.heard(error)


def _fail(call: Call, error: OSError) -> None:
    call.heard(error)  # which may be nobody by now


def _resolved(host: str, port: int, timeout_s: float) -> Address:
    """Resolve a name, before anything is offered; of several addresses, take one that answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(found) > 1:
        with suppress(OSError), socket.create_connection((host, port), timeout_s) as one:
            return one.family, one.getpeername()
    return found[0][0], found[0][4]
