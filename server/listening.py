"""How the service listens, whatever number of event loops it has."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable

import uvloop
from aiohttp import web

from server.settings import Settings

BACKLOG = 2048  # a blocked loop leaves hundreds of connects behind; 128 turns them into retries
KEEPALIVE_S = 15  # also the deadline for request headers
DRAIN_S = 10

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


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
            one = socket.socket(family, kind, protocol)
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


def runner_of(app: web.Application, settings: Settings) -> web.AppRunner:
    return web.AppRunner(
        app,
        # A handler ends when its client hangs up; not where the server is to be as most are.
        handler_cancellation=settings.admission != "unbounded",
        access_log=None,  # a text log costs two thirds of the rate
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=DRAIN_S,
    )


def announce(settings: Settings) -> None:
    """Say where the service listens: the first line on standard output, which programs read."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"loadbearing listening on http://{host}:{settings.port}", flush=True)  # noqa: T201


def leave_threads(code: int) -> None:
    """End the process at once if threads run on: none can be stopped, and Python would wait."""
    if any(not thread.daemon for thread in threading.enumerate()[1:]):
        sys.stdout.flush()
        os._exit(code)
