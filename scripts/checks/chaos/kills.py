"""A random worker is killed every second: who gets no answer, and for how long nobody does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from time import monotonic

import psutil

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Got, gap_s, gauges, goodput, offer, session, statuses

MODELS = ("supervised-process-pool", "process-pool")
PATH = "/primes/{model}?below=5000"  # about 2 ms
RATE = 200.0
UNDISTURBED = 0.25  # of the requests, before the kills
EVERY_S = 1.0
DEADLINE_S = 5.0
ANSWERS = {200, 500, 503, 504}


async def kill_workers(pid: int, rng: Random, killed: list[float]) -> None:
    """Kill a worker below the server every second, until cancelled; notes the moments."""
    while True:
        await asyncio.sleep(EVERY_S)
        workers = [one for one in psutil.Process(pid).children(recursive=True) if _is_worker(one)]
        if workers:
            rng.choice(workers).kill()
            killed.append(monotonic())


def _is_worker(process: psutil.Process) -> bool:
    """Whether a process was forked by the fork server: those that it forks look like it."""
    try:
        parent = process.parent()
        return parent is not None and process.cmdline() == parent.cmdline()
    except psutil.Error:
        return False


async def _both(
    subject: ServerProcess, model: str, count: int
) -> tuple[list[Got], list[Got], list[float], int]:
    """Offer load without and with kills; gives both, their moments, and how many calls they hit."""
    path = PATH.format(model=model)
    killed: list[float] = []
    async with session(subject.url) as client:
        calm = await offer(client, path, RATE, round(UNDISTURBED * count))
        killing = asyncio.create_task(kill_workers(subject.pid, Random(1), killed))  # noqa: S311 - no secret
        got = await offer(client, path, RATE, count)
        killing.cancel()
        lost = (await gauges(client, model))["lost"]
    return calm, got, killed, lost


def kills(count: int) -> Iterator[str]:
    """Give a line for each model. Raises AssertionError where a promise is broken."""
    for model in MODELS:
        with ServerProcess(("--port", "0", "--models", model)) as subject:
            calm, got, killed, lost = asyncio.run(_both(subject, model, count))
        slowest, kept = max(one.took_s for one in got), goodput(got) / goodput(calm)
        gap = gap_s(got, killed[:-1])
        yield (
            f"{model}: {len(killed)} kills in {count:,} requests at {RATE:g}/s hit {lost} calls: "
            f"{statuses(got)}; "
            f"slowest {slowest:.2f} s; goodput {kept:.1%} of the undisturbed; "
            f"service back within {gap:.3f} s"
        )
        assert {one.status for one in got} <= ANSWERS, "some got no answer, or a strange one"
        assert slowest <= DEADLINE_S + 1, "an answer came long past its deadline"
        assert gap <= 1.0, "the service was away for more than a second"
        assert kept >= 0.9 or model != "supervised-process-pool", "too much goodput was lost"
