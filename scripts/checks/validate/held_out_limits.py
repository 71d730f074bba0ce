"""Further workloads whose limit is in their own code, on which no threshold was adjusted.

Thresholds that are adjusted on the plants that validate them prove little. So nothing may be
adjusted on these: if a cause is wrong here, the rule is wrong, and needs a reason, not a number.
"""

from __future__ import annotations

import asyncio
import hashlib
import queue
import random
import threading
import time
import zlib
from functools import cache
from typing import Annotated

from annotated_types import Interval, Unit

from server.workloads import native, workload

Wait = Annotated[int, Interval(ge=0, le=2_000), Unit("ms")]
Some = Annotated[int, Interval(ge=1, le=64)]

PIECE = bytes(3 << 20)  # some 3 ms of hashing
TEXT = bytes(random.Random(7).choices(b"loadbearing ", k=256 << 10))  # noqa: S311 - no secret
NUMBERS = [number * 7919 % 1_000_003 for number in range(200_000)]

_shared = threading.Lock()
_jobs: queue.SimpleQueue[tuple[float, threading.Event]] = queue.SimpleQueue()


@workload(kind="cpu")
def pieces(count: Some = 4) -> dict[str, str]:
    """Compute in C as numeric libraries do, which release the GIL for some milliseconds a call."""
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(PIECE)
    return {"sha256": digest.hexdigest()}


@workload(kind="cpu")
def deflate(level: Annotated[int, Interval(ge=1, le=9)] = 6) -> dict[str, int]:
    """Compress a text in one call, which releases the GIL."""
    return {"bytes": len(zlib.compress(TEXT, level))}


@workload(kind="cpu")
def sorts(thousands: Annotated[int, Interval(ge=1, le=200)] = 80) -> dict[str, int]:
    """Sort in C, in one call that keeps the GIL."""
    ordered = sorted(NUMBERS[: 1_000 * thousands])
    return {"median": ordered[len(ordered) // 2]}


@workload(kind="io")
def three_at_a_time(ms: Wait = 20) -> dict[str, int]:
    """Call a service that admits three calls at a time; this version is never measured."""
    time.sleep(ms / 1e3)
    return {"ms": ms}


@cache
def _admits(_: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
    return asyncio.Semaphore(3)


@native(three_at_a_time)
async def three_at_a_time_in_coroutines(ms: Wait = 20) -> dict[str, int]:
    async with _admits(asyncio.get_running_loop()):
        await asyncio.sleep(ms / 1e3)
    return {"ms": ms}


@workload(kind="io")
def partly_locked(locked: Wait = 5, ms: Wait = 15) -> dict[str, int]:
    """Wait for `ms` beside others, then for `locked` ms alone."""
    time.sleep(ms / 1e3)
    with _shared:
        time.sleep(locked / 1e3)
    return {"locked": locked, "ms": ms}


@workload(kind="io")
def one_blocking_call(ms: Wait = 30, blocks: Wait = 8) -> dict[str, int]:
    """Wait for `ms`, then for `blocks` ms in a call that knows no coroutines."""
    time.sleep((ms + blocks) / 1e3)
    return {"ms": ms, "blocks": blocks}


@native(one_blocking_call)
async def one_blocking_call_in_a_coroutine(ms: Wait = 30, blocks: Wait = 8) -> dict[str, int]:
    await asyncio.sleep(ms / 1e3)
    time.sleep(blocks / 1e3)  # noqa: ASYNC251 - this blocks the event loop, on purpose
    return {"ms": ms, "blocks": blocks}


def _consume() -> None:
    while True:
        wait_s, done = _jobs.get()
        time.sleep(wait_s)
        done.set()


@cache
def _consumer() -> threading.Thread:
    """Start the only consumer, once; a daemon, because nobody ends it."""
    consumer = threading.Thread(target=_consume, daemon=True)
    consumer.start()
    return consumer


@workload(kind="io")
def one_consumer(ms: Wait = 6) -> dict[str, int]:
    """Hand a job to the only thread that does such jobs, and wait until it is done."""
    with _shared:
        _consumer()
    done = threading.Event()
    _jobs.put((ms / 1e3, done))
    done.wait(30)
    return {"ms": ms}


@workload(kind="io")
def two_megabytes(mib: Some = 2) -> dict[str, str]:
    """Return so many MiB of text, which takes no time to make."""
    return {"text": "x" * (mib << 20)}
