"""An open loop of requests, and what became of each of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

import aiohttp

PATIENCE_S = 30.0  # far beyond any deadline: who waits so long hangs
BOUND_S = 0.25


@dataclass(frozen=True, slots=True)
class Got:
    """One request: monotonic seconds of its start and its end, and its status (0: no answer)."""

    started: float
    ended: float
    status: int

    @property
    def took_s(self) -> float:
        return self.ended - self.started

    @property
    def good(self) -> bool:
        return self.status == 200 and self.took_s <= BOUND_S


def session(url: str) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(
        url, connector=connector, timeout=aiohttp.ClientTimeout(PATIENCE_S)
    )


async def ask(client: aiohttp.ClientSession, path: str) -> Got:
    started, status = monotonic(), 0
    try:
        async with client.get(path) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    return Got(started, monotonic(), status)


async def offer(client: aiohttp.ClientSession, path: str, rate: float, count: int) -> list[Got]:
    """Send `count` requests, `rate` a second, whatever becomes of those before."""
    begun, asked = monotonic(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - monotonic()))
        asked.append(asyncio.create_task(ask(client, path)))
    return await asyncio.gather(*asked)


async def gauges(client: aiohttp.ClientSession, model: str) -> dict[str, int]:
    """What the server says of a model now."""
    async with client.get("/stats") as answer:
        found: dict[str, int] = (await answer.json())["models"][model]
        return found


def statuses(got: Sequence[Got]) -> str:
    """Write `9,950 x 200, 50 x 503`."""
    counts = Counter(one.status for one in got)
    return ", ".join(
        f"{count:,} x {status or 'no answer'}" for status, count in sorted(counts.items())
    )


def goodput(got: Sequence[Got]) -> float:
    """The share of right answers within the bound."""
    return sum(one.good for one in got) / len(got)


def gap_s(got: Sequence[Got], moments: Sequence[float]) -> float:
    """The longest time from one of these moments to the next right answer."""
    right = sorted(one.ended for one in got if one.status == 200)
    return max((next((end for end in right if end > at), inf) - at for at in moments), default=0.0)
