"""Work that does odd things to its process costs no other request its answer, nor much time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import cycle

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Outcome, ask, offer, session, statuses
from scripts.checks.chaos.faulty_workloads import own_folder
from scripts.checks.chaos.odd_workloads import ODD, WORKLOADS

# Under the others, by what the server promises, work may hold a worker or the event loop.
MODELS = ("supervised-process-pool", "process-per-request")
NEIGHBOUR = "inline"
RATE = 500.0
EVERY_S = 0.5  # between two odd works, for one to end before the next
DEADLINE_S = 1.0
SLOWEST_S = 1.0


def weird(count: int) -> Iterator[str]:
    """Yield a line for each model. Raises AssertionError if a no-op is lost or slow."""
    for model in MODELS:
        options = ("--models", f"{model},{NEIGHBOUR}", "--deadline", f"{DEADLINE_S:g}s")
        loaded = ("--admission", "bounded", "--workloads", WORKLOADS)
        with (
            own_folder() as (_, marks),
            ServerProcess(("--port", "0", *options, *loaded), marks.with_name("log")) as server,
        ):
            beside, odd = asyncio.run(_both(server.url, model, count))
        slowest = max(outcome.took_s for outcome in beside)
        yield (
            f"{model}: {count:,} no-ops beside {len(odd)} odd works ({statuses(odd)}): "
            f"{statuses(beside)}; slowest {slowest:.2f} s"
        )
        assert {outcome.status for outcome in beside} == {200}, "a no-op was not answered"
        assert {outcome.status for outcome in odd} <= {200, 500, 504}, "odd work was not answered"
        assert slowest <= SLOWEST_S, f"a no-op took longer than {SLOWEST_S:g} s"


async def _both(url: str, model: str, count: int) -> tuple[list[Outcome], list[Outcome]]:
    """Return the outcomes of no-ops at a steady rate, and of the odd works beside them."""
    odd: list[Outcome] = []
    async with session(url) as client:

        async def disturb() -> None:
            for name in cycle(ODD):
                odd.append(await ask(client, f"/odd/{model}?how={name}"))
                await asyncio.sleep(EVERY_S)

        disturbing = asyncio.create_task(disturb())
        beside = await offer(client, f"/noop/{NEIGHBOUR}", RATE, count)
        disturbing.cancel()
    return beside, odd
