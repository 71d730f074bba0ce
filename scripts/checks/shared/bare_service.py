"""The baseline service: plain aiohttp handlers on uvloop, and one that records arrivals.

`/inline`, `/thread-pool` and `/process-pool` return the bytes of a real `noop` answer, so only the
code between request and work differs. It prints its address, and exits when its input ends.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from time import monotonic

import uvloop
from aiohttp import web

from scripts.checks.shared.children import serve
from server.settings import Settings
from server.worker import carry
from server.workloads.cpu import noop

TIMING = (
    "queued;dur=0.002, started;dur=0.091, ran;dur=0.001, cpu;dur=0.002, "
    "resumed;dur=0.040, total;dur=0.140"
)
STAGES = '"queued": 0.002, "started": 0.091, "ran": 0.001, "cpu": 0.002, "resumed": 0.040'
BODY = f"""{{
  "workload": "noop", "model": "thread-pool", "result": null,
  "worker": {{"pid": 4711, "thread": "thread-pool_0"}},
  "ms": {{{STAGES}, "total": 0.140}}
}}
""".encode()


def answer() -> web.Response:
    headers = {"Content-Type": "application/json", "Server-Timing": TIMING}
    return web.Response(body=BODY, headers=headers)


def on(executor: Executor) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_request: web.Request) -> web.Response:
        await asyncio.get_running_loop().run_in_executor(executor, noop)
        return answer()

    return handle


async def main() -> None:
    settings = Settings()
    arrivals: list[float] = []

    async def inline(_request: web.Request) -> web.Response:
        noop()
        return answer()

    async def record(_request: web.Request) -> web.Response:
        arrivals.append(monotonic())
        return answer()

    async def recorded(_request: web.Request) -> web.Response:
        times = arrivals.copy()
        arrivals.clear()
        return web.json_response(times)

    threads = ThreadPoolExecutor(settings.threads)
    context = multiprocessing.get_context(settings.start_method)
    processes = ProcessPoolExecutor(
        settings.processes,
        mp_context=context,
        initializer=carry.begin,  # so that they end with this process
        initargs=(carry.environment(),),
    )
    app = web.Application()
    app.router.add_get("/inline", inline)
    app.router.add_get("/thread-pool", on(threads))
    app.router.add_get("/process-pool", on(processes))
    app.router.add_get("/record", record)
    app.router.add_get("/recorded", recorded)
    await serve(app)
    threads.shutdown()
    processes.shutdown()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main())
