"""Workloads whose limit is in their own code, where no option of a server can see it.

Each says how it should be diagnosed. What they wait for and share is made as a careless handler
would make it.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import hashlib
import os
import queue
import random
import re
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from typing import Annotated

from annotated_types import Interval, Unit

from server.workloads import native, workload

Wait = Annotated[int, Interval(ge=0, le=2_000), Unit("ms")]
Computing = Annotated[int, Interval(ge=0, le=500), Unit("ms")]
Every = Annotated[int, Interval(ge=2, le=100_000)]

AMBIGUOUS = re.compile(r"(a|aa)+$")
LOG_BYTES = 8 << 20  # the log starts anew beyond that
BLOCK = bytes(1 << 20)

_lock = threading.Lock()  # around what follows, and in `one_lock` around the work
_client = threading.Lock()
_calls = count(1)
_connections: queue.LifoQueue[int] = queue.LifoQueue()
for _number in range(2):
    _connections.put(_number)
_warm: set[int] = set()
_heap: list[list[int]] = []


def _compute(ms: float) -> None:
    """Run plain Python until this thread has used so much CPU time."""
    until, steps = time.thread_time() + ms / 1e3, 0
    while time.thread_time() < until:
        steps += sum(range(200))


def _due(every: int) -> bool:
    """Whether this is one of the calls that are different."""
    with _lock:
        return next(_calls) % every == every // 2


@workload(kind="cpu")
def backtrack(letters: Annotated[int, Interval(ge=1, le=30)] = 24) -> dict[str, bool]:
    """Match an ambiguous pattern: the engine does not release the GIL within a match."""
    return {"matches": AMBIGUOUS.match("a" * letters + "b") is not None}


@workload(kind="cpu")
def many_rows(
    rows: Annotated[int, Interval(ge=1, le=200_000)] = 10_000,
) -> list[dict[str, str]]:
    """Return so many rows: carrying and encoding them costs more than making them."""
    return [{"id": str(row), "name": f"name {row}"} for row in range(rows)]


@workload(kind="io")
def blocking_driver(ms: Wait = 10) -> dict[str, int]:
    """Wait for `ms` in a driver that knows no coroutines."""
    time.sleep(ms / 1e3)
    return {"ms": ms}


@native(blocking_driver)
async def blocking_driver_in_a_coroutine(ms: Wait = 10) -> dict[str, int]:
    await asyncio.sleep(0)
    time.sleep(ms / 1e3)  # noqa: ASYNC251 - this blocks the event loop, on purpose
    return {"ms": ms}


@workload(kind="io")
def two_connections(ms: Wait = 20) -> dict[str, int]:
    """Use one of two connections for `ms`: more calls at a time wait for one."""
    connection = _connections.get(timeout=30)
    try:
        time.sleep(ms / 1e3)
    finally:
        _connections.put(connection)
    return {"ms": ms}


@workload(kind="io")
def one_lock(ms: Wait = 10) -> dict[str, int]:
    """Use a client for `ms` that is not thread-safe, and therefore guarded by a lock."""
    with _client:
        time.sleep(ms / 1e3)
    return {"ms": ms}


@workload(kind="io")
def commit_log(
    kib: Annotated[int, Interval(ge=1, le=256), Unit("KiB")] = 16, ms: Wait = 4
) -> dict[str, bool]:
    """Append to one log and sync it, for `ms` at least: where files are in memory, that is free."""
    with (Path(tempfile.gettempdir()) / "loadbearing-commit-log").open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        begun = time.monotonic()
        if log.tell() > LOG_BYTES:
            log.truncate(0)
        log.write(bytes(kib << 10))
        log.flush()
        os.fsync(log.fileno())
        time.sleep(max(0.0, ms / 1e3 - (time.monotonic() - begun)))
    return {"synced": True}


@workload(kind="io")
def paused(
    ms: Wait = 5, every: Every = 150, thousands: Annotated[int, Interval(ge=1, le=4_000)] = 2_000
) -> dict[str, bool]:
    """Wait for `ms`; some calls collect the garbage of a large heap, which stops all threads."""
    with _lock:
        if not _heap:
            gc.disable()
            _heap.extend([number] for number in range(1_000 * thousands))
    time.sleep(ms / 1e3)
    if _due(every):
        gc.collect()
    return {"done": True}


@workload(kind="mixed")
def half_computing(cpu: Computing = 6, ms: Wait = 4) -> dict[str, int]:
    """Compute for `cpu` ms, then wait for `ms`: the slots end before the cores do."""
    _compute(cpu)
    time.sleep(ms / 1e3)
    return {"cpu": cpu, "ms": ms}


@workload(kind="io")
def rarely_slow(ms: Wait = 5, slow: Wait = 400, every: Every = 50) -> dict[str, bool]:
    """Wait for `ms`, in some calls for `slow` ms, whatever the load."""
    time.sleep((slow if _due(every) else ms) / 1e3)
    return {"done": True}


@workload(kind="io")
def hanging(
    ms: Wait = 10,
    every: Every = 250,
    hang: Annotated[int, Interval(ge=0, le=30), Unit("s")] = 8,
) -> dict[str, bool]:
    """Wait for `ms`, in some calls for `hang` s, as for a peer without a timeout."""
    time.sleep(hang if _due(every) else ms / 1e3)
    return {"done": True}


@workload(kind="cpu")
def own_threads(
    threads: Annotated[int, Interval(ge=1, le=32)] = 8,
    mib: Annotated[int, Interval(ge=1, le=64), Unit("MiB")] = 1,
) -> dict[str, int]:
    """Hash in threads of its own, as numeric libraries do: the calling thread only waits."""

    def compute() -> None:
        digest = hashlib.sha256()
        for _ in range(mib):
            digest.update(BLOCK)

    workers = [threading.Thread(target=compute) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {"threads": threads}


@workload(kind="cpu")
def cached(
    keys: Annotated[int, Interval(ge=1, le=100_000)] = 150,
    miss: Computing = 40,
    hit: Computing = 4,
) -> dict[str, bool]:
    """Look up a random key: the first time, that costs `miss` ms of computing, later `hit` ms."""
    key = random.randrange(keys)  # noqa: S311 - a key, no secret
    with _lock:
        warm = key in _warm
        _warm.add(key)
    _compute(hit if warm else miss)
    return {"done": True}
