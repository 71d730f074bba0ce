"""Clients that cost little CPU: each sends its next request when the last answer has arrived.

The generator of the load tests would be the limit for a server that answers ten thousand requests
a second. This one runs in a separate process, prints the number of answers, and fails on any but
200.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast
from urllib.parse import urlsplit

import psutil
import uvloop

from scripts.checks.shared.children import output

WARM_UP_S = 0.3


def answers_per_s(url: str, path: str, clients: int, seconds: float) -> float:
    """Measure the rate at which a service answers these clients, run in a separate process."""
    return int(output("scripts.checks.shared.fast_clients", url, path, clients, seconds)) / seconds


def cost(url: str, pid: int, path: str, clients: int, seconds: float) -> tuple[float, float]:
    """Measure that rate, and the CPU seconds per request of the service and its children."""
    before = _cpu_s(pid)
    rate = answers_per_s(url, path, clients, seconds)
    return rate, (_cpu_s(pid) - before) / (rate * (seconds + WARM_UP_S))


def _cpu_s(pid: int) -> float:
    server = psutil.Process(pid)
    times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    return sum(used.user + used.system for used in times)


class Client(asyncio.Protocol):
    """One connection. Answers are small, and end in the newline that ends all our JSON."""

    def __init__(self, request: bytes, counts: list[int]) -> None:
        self._request = request
        self._counts = counts
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"}\n"):
            self._counts[self._received.startswith(b"HTTP/1.1 200 ")] += 1
            self._received = b""
            self._transport.write(self._request)


async def count_answers(url: str, path: str, clients: int, seconds: float) -> int:
    """Count the answers that these clients get within this time."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    counts = [0, 0]
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(lambda: Client(request, counts), host, port)
        for _ in range(clients)
    ]
    await asyncio.sleep(WARM_UP_S)
    before = counts[1]
    await asyncio.sleep(seconds)
    served = counts[1] - before
    for transport, _ in pairs:
        transport.close()
    if counts[0]:
        raise SystemExit(f"{counts[0]} answers of {path} were not 200")
    return served


if __name__ == "__main__":
    base, path, clients, seconds = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(count_answers(base, path, int(clients), float(seconds))))  # noqa: T201 - printing is its purpose
