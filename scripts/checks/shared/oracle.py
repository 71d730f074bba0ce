"""A service of known capacity, to check whole runs through real HTTP.

Each `/oracle/m-d-N` is a queue for N servers of a known service time, first come, first served: an
M/D/N system if the arrivals are Poisson. Its work is a timer, so it costs no CPU. `/twin/m-d-N` has
separate queues, so that the same system can be measured twice at once.

An answer is never early, and about a millisecond late, which a timer of an event loop cannot avoid.
This does not delay the next one, whose end follows from the arrivals alone.

    python -m scripts.checks.shared.oracle --service-ms 10

prints its address, and exits when its input ends.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from aiohttp import web

from loadtests.commands.words import Parser, whole
from scripts.checks.shared.children import serve, service

MODELS = {"m-d-1": 1, "m-d-2": 2, "m-d-4": 4}
WORKLOADS = ("oracle", "twin")


class OracleQueue:
    """Servers that take requests in order of arrival, each for the same time."""

    def __init__(self, servers: int, service_s: float) -> None:
        self._free = deque([0.0] * servers)  # equal work: they become free in turn
        self._service_s = service_s

    def enter(self, now: float) -> tuple[float, float]:
        """Take the next place; returns the times at which the service begins and ends."""
        begin = max(now, self._free.popleft())
        end = begin + self._service_s
        self._free.append(end)
        return begin, end


class Cell:
    """One queue behind one path."""

    def __init__(self, workload: str, model: str, service_s: float) -> None:
        self._names = {"workload": workload, "model": model, "result": {"served": True}}
        self._queue = OracleQueue(MODELS[model], service_s)

    async def handle(self, _request: web.Request) -> web.Response:
        """Answer at the time that the queue gives, in the format of the server."""
        arrived = monotonic()
        begin, end = self._queue.enter(arrived)
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        timer = loop.call_at(end, over.set_result, None)  # the loop's clock is the monotonic one
        try:
            await over
        finally:
            timer.cancel()
        now = monotonic()
        seconds = {
            "queued": begin - arrived,
            "started": 0.0,
            "ran": end - begin,
            "resumed": now - end,
            "total": now - arrived,
        }
        ms = {name: round(1e3 * value, 3) for name, value in seconds.items()} | {"cpu": 0.0}
        worker = {"pid": os.getpid(), "thread": "timer"}
        return web.json_response({**self._names, "worker": worker, "ms": ms})


def discovery(service_s: float) -> dict[str, Any]:
    """The answer to `GET /`: what load tests read of the server's discovery."""
    cell = {
        "kind": "none",
        "stages": ["none"],
        "doc": f"Wait for a server of the queue, then for {1e3 * service_s:g} ms.",
        "source": __name__,
        "parameters": {},
        "models": list(MODELS),
        "impossible": {},
        "curl": "",
    }
    return {
        "service": "oracle",
        "models": {
            name: {"available": True, "why": None, "doc": f"First come, first served, by {count}."}
            for name, count in MODELS.items()
        },
        "workloads": dict.fromkeys(WORKLOADS, cell),
        "runtime": {"python": platform.python_version(), "loop": "asyncio", "warnings": []},
    }


def application(service_s: float) -> web.Application:
    """Make the whole service."""
    index = discovery(service_s)

    async def root(_request: web.Request) -> web.Response:
        return web.json_response(index)

    async def health(_request: web.Request) -> web.Response:
        return web.Response(body=b'{"status": "ok"}\n', content_type="application/json")

    app = web.Application()
    app.router.add_get("/", root)
    app.router.add_get("/health", health)
    for workload in WORKLOADS:
        for model in MODELS:
            app.router.add_get(f"/{workload}/{model}", Cell(workload, model, service_s).handle)
    return app


@contextmanager
def running(service_s: float) -> Iterator[str]:
    """Run an oracle in a separate process; yields its address."""
    with service("scripts.checks.shared.oracle", "--service-ms", 1e3 * service_s) as (url, _):
        yield url


def main(arguments: list[str]) -> None:
    parser = Parser(prog="python -m scripts.checks.shared.oracle")
    parser.add_argument("--service-ms", type=float, default=10.0, help="service time (default: 10)")
    parser.add_argument("--port", type=whole("port", 0, 65535), default=0,
        help="port (default: a free one)")  # fmt: skip
    options = parser.parse_args(arguments)
    # Not uvloop: its clock counts whole milliseconds, so its timers would be early.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(serve(application(options.service_ms / 1e3), options.port))


if __name__ == "__main__":
    main(sys.argv[1:])
