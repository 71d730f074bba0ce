"""The life of a server process: bind, start, say so, serve, drain, leave."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence

import uvloop
from aiohttp import web

from server.app import SERVICE, build
from server.caveats import caveats
from server.errors import log
from server.models import absent
from server.settings import Settings

BACKLOG = 2048  # a blocked loop leaves hundreds of connects behind; 128 turns them into retries
KEEPALIVE_S = 15  # also the deadline for request headers
DRAIN_S = 10


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; a second signal ends the process at once. Gives exit codes."""
    settings = Settings.parse(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Every malformed request would log a traceback here; unforeseen errors have our own logger.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    sys.setswitchinterval(settings.switch_interval)
    for caveat in caveats(settings):
        log.warning("%s", caveat)
    for name, why in absent(settings).items():
        if why and name in settings.models:
            log.warning("the model %s is not available: %s", name, why)
    try:
        bound = bind(settings.host, settings.port)
    except OSError as error:
        print(  # noqa: T201
            f"python -m server: cannot listen on {settings.host}:{settings.port}: "
            f"{error.strerror}. Choose another --port; 0 picks a free one.",
            file=sys.stderr,
        )
        return 1
    settings = settings.model_copy(update={"port": bound.getsockname()[1]})
    make_loop = uvloop.new_event_loop if settings.loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(serve(settings, bound))
    if any(not thread.daemon for thread in threading.enumerate()[1:]):
        sys.stdout.flush()  # a thread cannot be stopped, and the interpreter would wait for it
        os._exit(0)
    return 0


def bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else starts. Raises OSError when it is taken."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)  # now, so that no other server takes the port while this one starts
    except OSError:
        bound.close()
        raise
    return bound


async def serve(settings: Settings, bound: socket.socket) -> None:
    """Serve on a bound socket until a signal comes, then drain."""
    app = build(settings)
    runner = web.AppRunner(
        app,
        access_log=None,  # a text log costs two thirds of the rate
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=DRAIN_S,
    )
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        app[SERVICE].draining = True
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    await runner.setup()
    try:
        await web.SockSite(runner, bound, backlog=BACKLOG).start()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"loadbearing listening on http://{host}:{settings.port}", flush=True)  # noqa: T201
        await stop.wait()
    finally:
        await runner.cleanup()
