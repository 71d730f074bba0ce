"""Killing a random worker every second costs few requests and interrupts the service briefly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from time import monotonic

import psutil

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Outcome, gap_s, gauges, goodput, offer, session, statuses

MODELS = ("supervised-process-pool", "process-pool")
PATH = "/primes/{model}?below=5000"  # about 2 ms
RATE = 200.0
UNDISTURBED = 0.25  # of the requests, before the kills
EVERY_S = 1.0
DEADLINE_S = 5.0
ANSWERS = {200, 500, 503, 504}


async def kill_workers(pid: int, rng: Random, killed: list[float]) -> None:
    """Kill a worker of the server every second, until cancelled; records the times."""
    while True:
        await asyncio.sleep(EVERY_S)
        workers = list(filter(_is_worker, psutil.Process(pid).children(recursive=True)))
        if workers:
            rng.choice(workers).kill()
            killed.append(monotonic())


def _is_worker(process: psutil.Process) -> bool:
    """Whether the fork server forked this process: then both have the same command line."""
    try:
        parent = process.parent()
        return parent is not None and process.cmdline() == parent.cmdline()
    except psutil.Error:
        return False


async def _both(
    server: ServerProcess, model: str, count: int
) -> tuple[list[Outcome], list[Outcome], list[float], int]:
    """Offer load without and with kills; returns both, the times of kills, and the calls lost."""
    path = PATH.format(model=model)
    killed: list[float] = []
    async with session(server.url) as client:
        calm = await offer(client, path, RATE, round(UNDISTURBED * count))
        killing = asyncio.create_task(kill_workers(server.pid, Random(1), killed))  # noqa: S311 - no secret
        hit = await offer(client, path, RATE, count)
        killing.cancel()
        lost = (await gauges(client, model))["lost"]
    return calm, hit, killed, lost


def kills(count: int) -> Iterator[str]:
    """Yield a line for each model. Raises AssertionError if a guarantee is broken."""
    for model in MODELS:
        with ServerProcess(("--port", "0", "--models", model)) as server:
            calm, outcomes, killed, lost = asyncio.run(_both(server, model, count))
        slowest = max(outcome.took_s for outcome in outcomes)
        kept = goodput(outcomes) / goodput(calm)
        gap = gap_s(outcomes, killed[:-1])
        yield (
            f"{model}: {len(killed)} kills in {count:,} requests at {RATE:g}/s hit {lost} calls: "
            f"{statuses(outcomes)}; slowest {slowest:.2f} s; "
            f"goodput {kept:.1%} of the undisturbed; service back within {gap:.3f} s"
        )
        assert {outcome.status for outcome in outcomes} <= ANSWERS, (
            "a request had no answer or a wrong status"
        )
        assert slowest <= DEADLINE_S + 1, "an answer came long past its deadline"
        assert gap <= 1.0, "the service was interrupted for more than a second"
        assert kept >= 0.9 or model != "supervised-process-pool", "too much goodput was lost"
