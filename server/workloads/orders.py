"""The database of orders that workloads read: built once, and kept in the user's cache folder."""

import asyncio
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

ORDERS = 200_000
COUNTRIES = ("DE", "FR", "GB", "PL", "SE", "IT", "ES", "NL", "CZ", "PT", "US", "JP")
PRODUCTS = ("Anvil", "Bench vice", "Chain hoist", "Drill press", "Engine crane", "Floor jack")
STATES = ("paid", "packed", "shipped", "delivered", "delivered", "delivered", "cancelled")
SCHEMA = """CREATE TABLE orders (id INTEGER PRIMARY KEY, placed_at TEXT NOT NULL,
customer TEXT NOT NULL, country TEXT NOT NULL, product TEXT NOT NULL, state TEXT NOT NULL,
quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL)"""
STALE_S = 60  # a build takes about a second: an older temporary file has no builder


def database_path() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # the specification says to ignore it
        cache = Path.home() / ".cache"
    return cache / "loadbearing" / "orders-1.sqlite"


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Create the database in the user's cache folder, unless it is there; it is kept.

    Raises RuntimeError, with what to do, where that folder cannot be written.
    """
    try:
        await asyncio.to_thread(lambda: build_database(database_path()))
    except (OSError, RuntimeError, sqlite3.Error) as error:  # RuntimeError: the home is unknown
        raise RuntimeError(
            f"the database of orders cannot be kept in the user's cache folder ({error}); set "
            "XDG_CACHE_HOME to a folder that can be written"
        ) from error
    yield


def build_database(path: Path) -> None:
    """Build the database unless it exists; its name appears only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    if path.exists():
        return
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
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


def sweep(path: Path) -> None:
    """Remove what builders of it that were killed have left beside it."""
    for leftover in path.parent.glob(f"{path.name}.*"):
        with suppress(OSError):  # another builder was faster, or owns it
            if time.time() - leftover.stat().st_mtime > STALE_S:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _orders() -> "zip[tuple[object, ...]]":
    rng = random.Random(1)  # noqa: S311 - sample data, not secrets
    customers = [f"customer-{number:05}@example.com" for number in range(20_000)]
    columns = (customers, COUNTRIES, PRODUCTS, STATES, range(1, 10), range(99, 99_900, 50))
    return zip(
        range(1, ORDERS + 1),
        range(1_704_067_200, 1_704_067_200 + ORDERS * 157, 157),  # spread over the year 2024
        *(rng.choices(column, k=ORDERS) for column in columns),
        strict=True,
    )


def select(statement: str, *parameters: int) -> list[tuple[object, ...]]:
    """Run one statement on the database, opened read-only."""
    path = database_path()
    if not path.exists():
        raise RuntimeError(
            f"no database at {path}: run this workload in the server, or within "
            "`async with server.workloads.orders.database()`"
        )
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(statement, parameters).fetchall()
