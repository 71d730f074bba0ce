"""Work that crashes its worker, again and again, costs no other call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Outcome, ask, session, statuses
from scripts.checks.chaos.faulty_workloads import WORKLOADS

METHODS = ("forkserver", "fork", "spawn")
MODELS = ("process-per-request", "process-pool", "supervised-process-pool", "hybrid")
AT_ONCE = 6  # of either kind
DEADLINE = "30s"  # because spawning a process takes 0.2 s on a slow core


def crashes(count: int, python: str = sys.executable) -> Iterator[str]:
    """Yield a line for each start method and model. Raises AssertionError if another call fails."""
    for method in METHODS:
        for model in MODELS:
            if (method, model) == ("fork", "supervised-process-pool"):
                continue  # not available under fork
            options = ("--models", model, "--start-method", method, "--deadline", DEADLINE)
            all_in = ("--admission", "bounded", "--workloads", WORKLOADS)
            with ServerProcess(("--port", "0", *options, *all_in), executable=python) as server:
                died, others, after = asyncio.run(_storm(server.url, model, count))
            slowest = max(outcome.took_s for outcome in others)
            yield (
                f"{model} ({method}): {count:,} crashes, {statuses(died)}; beside them "
                f"{statuses(others)}, the slowest {slowest:.2f} s; afterwards {statuses(after)}"
            )
            assert {outcome.status for outcome in died} == {500}, "a crash was not answered as one"
            assert {outcome.status for outcome in others} == {200}, "a crash cost another call"
            assert {outcome.status for outcome in after} == {200}, "the model did not recover"


async def _storm(
    url: str, model: str, count: int
) -> tuple[list[Outcome], list[Outcome], list[Outcome]]:
    """Return the outcomes of calls that crash, of calls beside them, and of some afterwards."""
    died: list[Outcome] = []
    others: list[Outcome] = []
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
