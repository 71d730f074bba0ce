"""Work that takes its worker down, again and again, beside work that does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Got, ask, session, statuses
from scripts.checks.chaos.misbehaving import WORKLOADS

METHODS = ("forkserver", "fork", "spawn")
MODELS = ("process-per-request", "process-pool", "supervised-process-pool", "hybrid")
AT_ONCE = 6  # of either kind
DEADLINE = "30s"  # for processes that are spawned, 0.2 s each on a slow core


def crashes(count: int, python: str = sys.executable) -> Iterator[str]:
    """Give a line for each start method and model. Raises AssertionError for a lost innocent."""
    for method in METHODS:
        for model in MODELS:
            if (method, model) == ("fork", "supervised-process-pool"):
                continue  # it cannot be had under fork
            options = ("--models", model, "--start-method", method, "--deadline", DEADLINE)
            all_in = ("--admission", "bounded", "--workloads", WORKLOADS)
            with ServerProcess(("--port", "0", *options, *all_in), executable=python) as subject:
                died, others, after = asyncio.run(_storm(subject.url, model, count))
            slowest = max(one.took_s for one in others)
            yield (
                f"{model} ({method}): {count:,} crashes, {statuses(died)}; beside them "
                f"{statuses(others)}, the slowest {slowest:.2f} s; afterwards {statuses(after)}"
            )
            assert {one.status for one in died} == {500}, "a crash was not answered as one"
            assert {one.status for one in others} == {200}, "a crash cost another call"
            assert {one.status for one in after} == {200}, "the model did not live on"


async def _storm(url: str, model: str, count: int) -> tuple[list[Got], list[Got], list[Got]]:
    """What became of those that crash, of those beside them, and of some afterwards."""
    died: list[Got] = []
    others: list[Got] = []
    left = iter(range(count))

    async with session(url) as client:

        async def crash() -> None:
            died.extend([await ask(client, f"/crash/{model}") for _ in left])

        async def stay(crashing: asyncio.Future[list[None]]) -> None:
            while not crashing.done():
                others.append(await ask(client, f"/stay/{model}"))

        crashing = asyncio.gather(*(crash() for _ in range(AT_ONCE)))
        await asyncio.gather(crashing, *(stay(crashing) for _ in range(AT_ONCE)))
        after = [await ask(client, f"/stay/{model}") for _ in range(AT_ONCE)]
    return died, others, after
