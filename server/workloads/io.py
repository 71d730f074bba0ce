"""Work that waits for something outside the process."""

import asyncio
import os
import tempfile
import time
from typing import Annotated

from annotated_types import Interval, Unit, doc

from server.workloads import native, workload
from server.workloads.orders import ORDERS, database, select
from server.workloads.web import Delay, Pages, download, download_natively, website

Milliseconds = Annotated[int, Interval(ge=0, le=5_000), Unit("ms"), doc("How long it blocks.")]
Kibibytes = Annotated[int, Interval(ge=1, le=65_536), Unit("KiB"), doc("Size of the file.")]
Orders = Annotated[int, Interval(ge=1, le=ORDERS), Unit("rows"), doc("Orders that are read.")]


@workload(kind="io")
def sleep(ms: Milliseconds = 10) -> dict[str, int]:
    """Block for `ms`, as a synchronous driver would."""
    time.sleep(ms / 1000)
    return {"slept": ms}


@native(sleep)
async def sleep_natively(ms: Milliseconds = 10) -> dict[str, int]:
    await asyncio.sleep(ms / 1000)
    return {"slept": ms}


@workload(kind="io", needs=(website,))
def fetch(pages: Pages = 2, delay: Delay = 5) -> dict[str, int]:
    """Download pages from the local site over HTTP, one after the other."""
    return {"pages": pages, "bytes": sum(map(len, download(pages, delay)))}


@native(fetch)
async def fetch_natively(pages: Pages = 2, delay: Delay = 5) -> dict[str, int]:
    return {"pages": pages, "bytes": sum(map(len, await download_natively(pages, delay)))}


@workload(kind="io")
def file(kib: Kibibytes = 64) -> dict[str, int | bool]:
    """Write a temporary file, flush it to disk, and read it back."""
    written = os.urandom(1024) * kib
    with tempfile.TemporaryFile() as temporary:  # without a name, so not even kill -9 leaves it
        temporary.write(written)
        temporary.flush()
        os.fsync(temporary.fileno())
        temporary.seek(0)
        read = temporary.read()
    return {"bytes": len(read), "intact": read == written}


@workload(kind="io", needs=(database,))
def query(orders: Orders = 20_000) -> dict[str, object]:
    """Find the country that spent most, in one SQLite statement, which releases the GIL."""
    [(country, revenue)] = select(
        "SELECT country, sum(quantity * price_cents) AS revenue FROM orders "
        "WHERE id <= ? AND state <> 'cancelled' GROUP BY country ORDER BY revenue DESC LIMIT 1",
        orders,
    )
    return {"country": country, "revenue_cents": revenue}


@workload(kind="io", needs=(database,))
def rows(orders: Orders = 6_000) -> dict[str, int]:
    """Fetch many rows from SQLite, which releases and takes the GIL for each row."""
    fetched = select("SELECT * FROM orders WHERE id <= ?", orders)
    return {"rows": len(fetched), "customers": len({order[2] for order in fetched})}
