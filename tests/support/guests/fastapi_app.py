"""A FastAPI app whose limits are known, and whose answers come in every form that HTTP allows.

uvicorn tests.support.guests.fastapi_app:app
"""

import asyncio
import gzip
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Annotated

from fastapi import Cookie, FastAPI, Header, HTTPException, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel, Field

MS = 100.0
QUERY_S = 0.05
CONNECTIONS = 5
CUSTOMERS = 5000
BELOW = 3000
TOKEN = "open-sesame"

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/wait")
def wait(ms: float = MS) -> dict[str, str]:
    """Wait in one of the 40 threads that AnyIO lets run at a time."""
    time.sleep(ms / 1e3)
    return {"waited": "in a thread"}


@app.get("/wait-async")
async def wait_async(ms: float = MS) -> dict[str, str]:
    await asyncio.sleep(ms / 1e3)
    return {"waited": "as a coroutine"}


@app.get("/wait-blocking")
async def wait_blocking(ms: float = MS) -> dict[str, str]:
    """Wait as no coroutine should: nothing else runs meanwhile."""
    time.sleep(ms / 1e3)  # noqa: ASYNC251 - the mistake that has to be found
    return {"waited": "on the event loop"}


@app.get("/compute")
def compute() -> dict[str, int]:
    primes = [n for n in range(2, BELOW) if all(n % k for k in range(2, int(n**0.5) + 1))]
    return {"primes": len(primes)}


def connect() -> sqlite3.Connection:
    """Open a database in memory; each of its queries takes `QUERY_S`, as those over a network."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.create_function("pause", 1, time.sleep)
    connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
    rows = ((number, f"customer {number}") for number in range(1, CUSTOMERS + 1))
    connection.executemany("INSERT INTO customers VALUES (?, ?)", rows)
    return connection


pool = Queue[sqlite3.Connection]()
for _ in range(CONNECTIONS):
    pool.put(connect())


@contextmanager
def borrowed() -> Iterator[sqlite3.Connection]:
    """Yield a connection of the pool, once it has one."""
    connection = pool.get()
    try:
        yield connection
    finally:
        pool.put(connection)


@app.get("/customers/{number}")
def customer(number: int) -> dict[str, str]:
    with borrowed() as connection:
        query = "SELECT name, pause(?) FROM customers WHERE id = ?"
        row = connection.execute(query, [QUERY_S, number]).fetchone()
    if row is None:
        raise HTTPException(404, f"customer {number} is unknown")
    return {"name": row[0]}


class Order(BaseModel):
    customer: Annotated[int, Field(ge=1, le=CUSTOMERS)]
    items: Annotated[list[str], Field(min_length=1)]


@app.post("/orders", status_code=201)
async def order(order: Order) -> dict[str, int]:
    return {"customer": order.customer, "items": len(order.items)}


@app.get("/moved")
async def moved() -> RedirectResponse:
    return RedirectResponse("/health")


@app.get("/elsewhere")
async def elsewhere() -> RedirectResponse:
    return RedirectResponse("http://example.com/")


@app.get("/compressed")
async def compressed() -> Response:
    body = gzip.compress(b'{"packed": "' + b"air " * 1000 + b'"}')
    return Response(body, headers={"Content-Encoding": "gzip"}, media_type="application/json")


@app.get("/chunked")
async def chunked() -> StreamingResponse:
    return StreamingResponse((f"line {number}\n" for number in range(10)), media_type="text/plain")


@app.get("/private")
async def private(
    session: Annotated[str, Cookie()] = "", authorization: Annotated[str, Header()] = ""
) -> dict[str, str]:
    """Answer only with the cookie `session` or the right header."""
    if session != TOKEN and authorization != f"Bearer {TOKEN}":
        raise HTTPException(401, "who are you?")
    return {"secret": "42"}
