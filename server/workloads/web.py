"""The local web site that workloads read: it listens as long as a server runs.

HTTP clients are imported where they are used, because most workers never need one.
"""

import asyncio
import functools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval, Unit, doc

from server.workloads.on_demand import OnDemand

if TYPE_CHECKING:
    import aiohttp
    import urllib3

SITE = "LOADBEARING_SITE"  # its address, which workers inherit

Pages = Annotated[int, Interval(ge=1, le=20), Unit("pages"), doc("Pages, one after the other.")]
Delay = Annotated[int, Interval(ge=0, le=250), Unit("ms"), doc("The site's wait for each page.")]

_site = OnDemand("the local site", "server.workloads.site", SITE)
# Several servers, one loop each, may share the process.
_users: list[asyncio.AbstractEventLoop] = []
_sessions: dict[asyncio.AbstractEventLoop, "aiohttp.ClientSession"] = {}


@asynccontextmanager
async def website() -> AsyncIterator[None]:
    """Run the local site: one for all servers of the process, until the last one stops."""
    loop = asyncio.get_running_loop()
    async with _site.available():
        _users.append(loop)
        try:
            yield
        finally:
            _users.remove(loop)
            if loop not in _users and (session := _sessions.pop(loop, None)):
                await session.close()
            if not _users:
                _pool.cache_clear()


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
