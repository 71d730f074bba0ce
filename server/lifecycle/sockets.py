"""The sockets of the service, for any number of event loops."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from time import monotonic
from typing import Any

import uvloop
from aiohttp import web

from server import streams
from server.errors import log
from server.lifecycle import signals
from server.lifecycle.draining import Runner
from server.settings import Settings

BACKLOG = 2048  # while a loop is blocked, hundreds connect; with 128, they would have to retry
KEEPALIVE_S = 15  # also the deadline for request headers
LINGER_S = 1.0  # reads the rest of a body, because a reset could overtake the answer
COMPLAIN_S = 60.0  # between warnings of a shortage
REST_S = 0.5  # less than the second after which asyncio tries to accept again
SHORTAGE = (errno.EMFILE, errno.ENFILE)


class AsyncioLoop(asyncio.SelectorEventLoop):
    """asyncio's own event loop, with a clock that work cannot replace."""

    time = staticmethod(monotonic)


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": AsyncioLoop,
}


class Listening(socket.socket):
    """A listening socket that rests after a connection that gets no file descriptor.

    asyncio tries again after a second, but first it would fail as often as the backlog is long, and
    set a timer each time. uvloop accepts such connections and closes them.
    """

    _until = 0.0

    def accept(self) -> tuple[socket.socket, Any]:
        if monotonic() < self._until:
            raise BlockingIOError
        try:
            return super().accept()
        except OSError as error:
            if error.errno in SHORTAGE:
                self._until = monotonic() + REST_S
            raise


class Complaints:
    """Logs what goes wrong on the event loop; a lack of file descriptors only now and then."""

    def __init__(self) -> None:
        self._last = -inf

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in SHORTAGE:
            if monotonic() - self._last > COMPLAIN_S:
                self._last = monotonic()
                log.warning("connections wait: %s; allow more with ulimit -n", error.strerror)
        # The socket may be closed when asyncio tries again after a second.
        elif not (isinstance(error, ValueError) and "._start_serving(" in context["message"]):
            loop.default_exception_handler(context)


def bind(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """Bind a socket for each event loop, before anything else starts.

    The kernel distributes connections over the sockets at random. With one socket for all, the
    first loop to wake would accept everything: 32 connections at once may all go to one of two.
    Raises OSError if the address is taken.
    """
    sockets: list[socket.socket] = []
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    try:
        for _ in range(count):
            bound: socket.socket = Listening(family, kind, protocol)
            sockets.append(bound)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if len(sockets) > 1:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind(address)
            address = bound.getsockname()
            if count > 1:  # only now, so that the first fails if another program listens
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for bound in sockets:
            bound.listen(BACKLOG)  # now, so that no other server takes the port meanwhile
    except OSError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def runner_of(app: web.Application, settings: Settings, bound: socket.socket) -> Runner:
    """Prepare to serve on a listening socket; call it on the event loop that will serve."""
    asyncio.get_running_loop().set_exception_handler(Complaints())
    return Runner(
        app,
        bound,
        # A handler ends when its client hangs up; unbounded behaves as most servers do.
        handler_cancellation=settings.admission != "unbounded",
        access_log=None,  # a text log would cost two thirds of the rate
        keepalive_timeout=KEEPALIVE_S,
        lingering_time=LINGER_S,
    )


def let_go_in_workers(sockets: Sequence[socket.socket]) -> None:
    """Take the server's signal handlers and sockets away from processes that are forked.

    Otherwise the sockets would stay open after the end of the server.
    """
    signals.forget_in_forks()
    os.register_at_fork(after_in_child=partial(_let_go, sockets))


def _let_go(sockets: Sequence[socket.socket]) -> None:
    streams.let_go()
    for bound in sockets:
        if bound.fileno() >= 0:
            os.close(bound.detach())


def announce(settings: Settings) -> None:
    """Print the address, as the first line on standard output, which programs read."""
    streams.greet(f"loadbearing listening on {settings.url}")
