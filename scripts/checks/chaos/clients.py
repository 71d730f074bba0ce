"""An open loop of requests, and the outcome of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

import aiohttp

PATIENCE_S = 30.0  # far beyond any deadline: a request that takes longer hangs
BOUND_S = 0.25


@dataclass(frozen=True, slots=True)
class Outcome:
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


async def ask(client: aiohttp.ClientSession, path: str) -> Outcome:
    started, status = monotonic(), 0
    try:
        async with client.get(path) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    return Outcome(started, monotonic(), status)


async def offer(client: aiohttp.ClientSession, path: str, rate: float, count: int) -> list[Outcome]:
    """Send `count` requests at `rate` per second, without waiting for answers."""
    begun, requests = monotonic(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - monotonic()))
        requests.append(asyncio.create_task(ask(client, path)))
    return await asyncio.gather(*requests)


async def gauges(client: aiohttp.ClientSession, model: str) -> dict[str, int]:
    """Read the server's gauges of a model."""
    async with client.get("/stats") as answer:
        values: dict[str, int] = (await answer.json())["models"][model]
        return values


def statuses(outcomes: Sequence[Outcome]) -> str:
    """Write `9,950 x 200, 50 x 503`."""
    counts = Counter(outcome.status for outcome in outcomes)
    return ", ".join(
        f"{count:,} x {status or 'no answer'}" for status, count in sorted(counts.items())
    )


def goodput(outcomes: Sequence[Outcome]) -> float:
    """The share of correct answers within the bound."""
    return sum(outcome.good for outcome in outcomes) / len(outcomes)


def gap_s(outcomes: Sequence[Outcome], moments: Sequence[float]) -> float:
    """The longest time from one of these moments to the next correct answer."""
    ends = sorted(outcome.ended for outcome in outcomes if outcome.status == 200)
    return max((next((end for end in ends if end > at), inf) - at for at in moments), default=0.0)
