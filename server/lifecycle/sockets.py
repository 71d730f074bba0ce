"""How the service listens, whatever number of event loops it has."""

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

BACKLOG = 2048  # a blocked loop leaves hundreds of connects behind; 128 turns them into retries
KEEPALIVE_S = 15  # also the deadline for request headers
LINGER_S = 1.0  # for the rest of a body that nobody reads: a reset could overtake the answer
COMPLAIN_S = 60.0  # between complaints of a shortage
REST_S = 0.5  # less than the second after which asyncio tries to accept again
SHORTAGE = (errno.EMFILE, errno.ENFILE)

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


class Listening(socket.socket):
    """A socket that listens; after one connection that it has no file descriptor for, it rests.

    asyncio, which tries again after a second, would go on to fail as often as its backlog has
    places, and would set a timer each time. uvloop accepts such connections, and closes them.
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
    """What goes wrong on the event loop goes to the log: a lack of file descriptors but seldom."""

    def __init__(self) -> None:
        self._last = -inf

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in SHORTAGE:
            if monotonic() - self._last > COMPLAIN_S:
                self._last = monotonic()
                log.warning("connections wait: %s; allow more with ulimit -n", error.strerror)
        # asyncio's try after a second may come when its socket has been closed.
        elif not (isinstance(error, ValueError) and "._start_serving(" in context["message"]):
            loop.default_exception_handler(context)


def bind(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """Take the address, before anything else starts, with a socket for each event loop.

    The kernel deals connections out to the sockets by chance. With one socket for all, whichever
    loop wakes first takes all that wait, and 32 connections at once may all end on one of two.
    Raises OSError when the address is taken.
    """
    sockets: list[socket.socket] = []
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    try:
        for _ in range(count):
            one: socket.socket = Listening(family, kind, protocol)
            sockets.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if len(sockets) > 1:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(address)
            address = one.getsockname()
            if count > 1:  # only now, so that the first is refused where anybody else listens
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for one in sockets:
            one.listen(BACKLOG)  # now, so that no other server takes the port while this one starts
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets


def runner_of(app: web.Application, settings: Settings, bound: socket.socket) -> Runner:
    """Prepare to serve on a socket that listens; on the event loop that will do it."""
    asyncio.get_running_loop().set_exception_handler(Complaints())
    return Runner(
        app,
        bound,
        # A handler ends when its client hangs up; not where the server is to be as most are.
        handler_cancellation=settings.admission != "unbounded",
        access_log=None,  # a text log costs two thirds of the rate
        keepalive_timeout=KEEPALIVE_S,
        lingering_time=LINGER_S,
    )


def let_go_in_workers(sockets: Sequence[socket.socket]) -> None:
    """Take from processes that are forked what is the server's own: its signals, and its sockets.

    Those would stay open after the server's end.
    """
    signals.forget_in_forks()
    os.register_at_fork(after_in_child=partial(_let_go, sockets))


def _let_go(sockets: Sequence[socket.socket]) -> None:
    streams.let_go()
    for one in sockets:
        if one.fileno() >= 0:
            os.close(one.detach())


def announce(settings: Settings) -> None:
    """Say where the service listens: the first line on standard output, which programs read."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    streams.greet(f"loadbearing listening on http://{host}:{settings.port}")
