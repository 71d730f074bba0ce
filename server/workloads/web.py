"""The local web site that workloads read: it listens as long as a server runs.

Its process starts with the first reader, because most servers never have one. HTTP clients are
imported where they are used, because most workers never need one.
"""

import asyncio
import functools
import logging
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval, Unit, doc

from server.worker.ending import end_by_input
from server.worker.errands import in_own_thread

if TYPE_CHECKING:
    import aiohttp
    import urllib3

SITE = "LOADBEARING_SITE"  # its address, which workers inherit

Pages = Annotated[int, Interval(ge=1, le=20), Unit("pages"), doc("Pages, one after the other.")]
Delay = Annotated[int, Interval(ge=0, le=250), Unit("ms"), doc("The site's wait for each page.")]

STOP_S = 2.0

_logger = logging.getLogger("loadbearing")

# Guards the three below: several servers, one loop each, may share the process.
_lock = threading.Lock()
_site: "_Site | None" = None
_users: list[asyncio.AbstractEventLoop] = []
_outer: str | None = None
_sessions: dict[asyncio.AbstractEventLoop, "aiohttp.ClientSession"] = {}


@asynccontextmanager
async def website() -> AsyncIterator[None]:
    """Run the local site: one for all servers of the process, until the last one stops."""
    loop = asyncio.get_running_loop()
    await in_own_thread(_enter_site, loop)
    try:
        yield
    finally:
        _users.remove(loop)
        if loop not in _users and (session := _sessions.pop(loop, None)):
            await session.close()
        await in_own_thread(_leave_site)


def _enter_site(loop: asyncio.AbstractEventLoop) -> None:
    global _site, _outer
    with _lock:
        if _site is None:
            _site, _outer = _Site(), os.environ.get(SITE)
            os.environ[SITE] = _site.address
        _users.append(loop)


def _leave_site() -> None:
    global _site
    with _lock:
        if _users or _site is None:
            return
        site, _site = _site, None
        if _outer is None:
            os.environ.pop(SITE, None)
        else:
            os.environ[SITE] = _outer
        _pool.cache_clear()
        site.stop()


class _Site:
    """A listening socket, and a process that accepts from it once somebody has connected."""

    def __init__(self) -> None:
        self._bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.address = f"http://127.0.0.1:{self._bound.getsockname()[1]}"
        self._awake, self._wake = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        # Not on the event loop, which a reader of the site may block.
        self._starting = threading.Thread(target=self._start_when_read, name="site", daemon=True)
        self._starting.start()

    def _start_when_read(self) -> None:
        waiting = select.poll()
        waiting.register(self._bound, select.POLLIN)
        waiting.register(self._awake, select.POLLIN)
        if self._awake.fileno() in dict(waiting.poll()):
            return
        # The root goes first on both paths, before any other package named server.
        root = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        descriptor = self._bound.fileno()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "server.workloads.site", str(descriptor)],
                cwd=root,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[descriptor],
                start_new_session=True,  # so that Ctrl-C reaches only the server
            )
        except OSError as error:
            _logger.error("cannot start the local site: %s; its readers fail", error)  # noqa: TRY400 - the reason is enough
        self._bound.close()  # where nobody else has it open, readers are refused

    def stop(self) -> None:
        """Stop listening, and end the process if it was ever started."""
        self._wake.send(b"\0")  # closing would not do: a forked worker may have it open
        self._starting.join()
        for end in (self._bound, self._awake, self._wake):
            end.close()
        if self._process:
            end_by_input(self._process, STOP_S)


def _address() -> str:
    if address := os.environ.get(SITE):
        return address
    raise RuntimeError(
        "the local site is not running: run this workload in the server, or within "
        "`async with server.workloads.web.website()`; workers must start inside it"
    )


@functools.lru_cache(maxsize=1)
def _pool(address: str, _pid: int) -> "urllib3.HTTPConnectionPool":
    """Make the connection pool of this process; a forked child must not share the sockets."""
    import urllib3  # noqa: PLC0415 - see the top of the module

    return urllib3.connection_from_url(address, maxsize=64, block=False, timeout=30)


def download(pages: Pages, delay: Delay) -> list[bytes]:
    """Download pages from the local site, one after the other, blocking."""
    pool = _pool(_address(), os.getpid())
    bodies = []
    for page in range(pages):
        answer = pool.request("GET", f"/page/{page}?delay={delay}", retries=False)
        if answer.status != 200:
            raise RuntimeError(f"the local site answered {answer.status}")
        bodies.append(answer.data)
    return bodies


async def download_natively(pages: Pages, delay: Delay) -> list[bytes]:
    """Download pages from the local site, one after the other, on the loop."""
    import aiohttp  # noqa: PLC0415 - see the top of the module

    address, loop = _address(), asyncio.get_running_loop()
    session = _sessions.get(loop)
    if session is None:
        # Without a limit, because the server limits how many requests wait at once.
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        _sessions[loop] = session
    bodies = []
    for page in range(pages):
        url = f"{address}/page/{page}?delay={delay}"
        async with session.get(url, raise_for_status=True) as answer:
            bodies.append(await answer.read())
    return bodies
