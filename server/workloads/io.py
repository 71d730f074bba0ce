"""Work that waits for something outside the process, and what must stand for it to run.

HTTP clients are imported where they are used: most workers never need one.
"""

import asyncio
import functools
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval, Unit, doc

from server.workloads import native, workload

if TYPE_CHECKING:
    import aiohttp
    import urllib3

ORDERS = 200_000
COUNTRIES = ("DE", "FR", "GB", "PL", "SE", "IT", "ES", "NL", "CZ", "PT", "US", "JP")
PRODUCTS = ("Anvil", "Bench vice", "Chain hoist", "Drill press", "Engine crane", "Floor jack")
STATES = ("paid", "packed", "shipped", "delivered", "delivered", "delivered", "cancelled")
SCHEMA = """CREATE TABLE orders (id INTEGER PRIMARY KEY, placed_at TEXT NOT NULL,
customer TEXT NOT NULL, country TEXT NOT NULL, product TEXT NOT NULL, state TEXT NOT NULL,
quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL)"""
SITE = "LOADBEARING_SITE"  # workers that start later inherit it

Milliseconds = Annotated[int, Interval(ge=0, le=60_000), Unit("ms"), doc("How long it blocks.")]
Pages = Annotated[int, Interval(ge=1, le=100), Unit("pages"), doc("Pages, one after the other.")]
Delay = Annotated[int, Interval(ge=0, le=10_000), Unit("ms"), doc("The site's wait for each page.")]
Kibibytes = Annotated[int, Interval(ge=1, le=65_536), Unit("KiB"), doc("Size of the file.")]
Orders = Annotated[int, Interval(ge=1, le=ORDERS), Unit("rows"), doc("Orders that are read.")]

_lock = threading.Lock()  # guards the three below: servers may share the process, one loop each
_process: subprocess.Popen[str] | None = None
_users: list[asyncio.AbstractEventLoop] = []
_outer: str | None = None
_sessions: dict[asyncio.AbstractEventLoop, "aiohttp.ClientSession"] = {}


@asynccontextmanager
async def website() -> AsyncIterator[None]:
    """Keep the local site standing: one for all servers of the process, until the last leaves."""
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(_enter_site, loop)
    try:
        yield
    finally:
        _users.remove(loop)
        if loop not in _users and (session := _sessions.pop(loop, None)):
            await session.close()
        await asyncio.to_thread(_leave_site)


def _enter_site(loop: asyncio.AbstractEventLoop) -> None:
    global _process, _outer
    with _lock:
        if _process is None:
            # The root goes first on both paths, lest another package named server is found.
            root = Path(__file__).parents[2]
            path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
            process = subprocess.Popen(
                [sys.executable, "-m", "server.site"],
                cwd=root,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port.isdecimal():
                _stop(process)
                raise RuntimeError("the local site did not start: see its message on stderr above")
            _process, _outer = process, os.environ.get(SITE)
            os.environ[SITE] = f"http://127.0.0.1:{port}"
        _users.append(loop)


def _leave_site() -> None:
    global _process
    with _lock:
        if _users or _process is None:
            return
        process, _process = _process, None
        if _outer is None:
            os.environ.pop(SITE, None)
        else:
            os.environ[SITE] = _outer
        _pool.cache_clear()
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """End the site by closing its input; kill it where a forked worker still holds that open."""
    with process:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()


def _address() -> str:
    if address := os.environ.get(SITE):
        return address
    raise RuntimeError(
        "the local site is not running: run this workload in the server, or within "
        "`async with server.workloads.io.website()`; workers must start inside it"
    )


@functools.lru_cache(maxsize=1)
def _pool(address: str, _pid: int) -> "urllib3.HTTPConnectionPool":
    """Make the pool of this process: a forked child must not share its parent's sockets."""
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
        # No limit of its own: how many wait at once is the server's business.
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        _sessions[loop] = session
    bodies = []
    for page in range(pages):
        url = f"{address}/page/{page}?delay={delay}"
        async with session.get(url, raise_for_status=True) as answer:
            bodies.append(await answer.read())
    return bodies


def database_path() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "loadbearing" / "orders-1.sqlite"


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Have the database of orders in the user's cache folder; it stays there for the next time."""
    await asyncio.to_thread(build_database, database_path())
    yield


def build_database(path: Path) -> None:
    """Build the database unless it exists; the name appears only once the content is whole."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    os.close(handle)
    try:
        with closing(sqlite3.connect(name)) as connection, connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute(SCHEMA)
            statement = "INSERT INTO orders VALUES (?, datetime(?, 'unixepoch'), ?, ?, ?, ?, ?, ?)"
            connection.executemany(statement, _orders())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _orders() -> "zip[tuple[object, ...]]":
    rng = random.Random(1)  # noqa: S311 - sample data, not secrets
    customers = [f"customer-{number:05}@example.com" for number in range(20_000)]
    columns = (customers, COUNTRIES, PRODUCTS, STATES, range(1, 10), range(99, 99_900, 50))
    return zip(
        range(1, ORDERS + 1),
        range(1_704_067_200, 1_704_067_200 + ORDERS * 157, 157),  # from 2024, all through the year
        *(rng.choices(column, k=ORDERS) for column in columns),
        strict=True,
    )


def _select(statement: str, *parameters: int) -> list[tuple[object, ...]]:
    path = database_path()
    if not path.exists():
        raise RuntimeError(
            f"no database at {path}: run this workload in the server, or within "
            "`async with server.workloads.io.database()`"
        )
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(statement, parameters).fetchall()


@workload(kind="io")
def sleep(ms: Milliseconds = 20) -> dict[str, int]:
    """Block for `ms`, as a synchronous driver would."""
    time.sleep(ms / 1000)
    return {"slept": ms}


@native(sleep)
async def sleep_natively(ms: Milliseconds = 20) -> dict[str, int]:
    await asyncio.sleep(ms / 1000)
    return {"slept": ms}


@workload(kind="io", needs=(website,))
def fetch(pages: Pages = 2, delay: Delay = 10) -> dict[str, int]:
    """Download pages from the local site over HTTP, one after the other."""
    return {"pages": pages, "bytes": sum(map(len, download(pages, delay)))}


@native(fetch)
async def fetch_natively(pages: Pages = 2, delay: Delay = 10) -> dict[str, int]:
    return {"pages": pages, "bytes": sum(map(len, await download_natively(pages, delay)))}


@workload(kind="io")
def file(kib: Kibibytes = 64) -> dict[str, int | bool]:
    """Write a temporary file, force it to the disk, and read it back."""
    written = os.urandom(1024) * kib
    with tempfile.TemporaryFile() as temporary:  # has no name: not even a kill leaves it behind
        temporary.write(written)
        temporary.flush()
        os.fsync(temporary.fileno())
        temporary.seek(0)
        read = temporary.read()
    return {"bytes": len(read), "intact": read == written}


@workload(kind="io", needs=(database,))
def query(orders: Orders = 20_000) -> dict[str, object]:
    """Find the country that spent most, in one SQLite statement, which releases the GIL."""
    [(country, revenue)] = _select(
        "SELECT country, sum(quantity * price_cents) AS revenue FROM orders "
        "WHERE id <= ? AND state <> 'cancelled' GROUP BY country ORDER BY revenue DESC LIMIT 1",
        orders,
    )
    return {"country": country, "revenue_cents": revenue}


@workload(kind="io", needs=(database,))
def rows(orders: Orders = 6_000) -> dict[str, int]:
    """Fetch many rows from SQLite, which drops and takes the GIL for each of them."""
    fetched = _select("SELECT * FROM orders WHERE id <= ?", orders)
    return {"rows": len(fetched), "customers": len({order[2] for order in fetched})}
