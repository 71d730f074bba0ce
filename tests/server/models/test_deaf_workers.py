"""Workers in which no thread runs, as they compute in C or are stopped, end with their server."""

import asyncio
from contextlib import suppress

import aiohttp
import psutil
import pytest

from tests.server.admission.test_hang_up import ENDLESS
from tests.server.lifecycle.test_serve import ended, none_is_left
from tests.support.server_process import Client, asking, running

PROCESSES = ("process-per-request", "process-pool", "supervised-process-pool")

pytestmark = pytest.mark.usefixtures("database")


def forked(process: psutil.Process) -> bool:
    """Whether the parent has the same command line, as a fork server and its workers have."""
    parent = process.parent()
    return parent is not None and parent.cmdline() == process.cmdline()


@pytest.mark.parametrize(
    ("models", "options"),
    [(PROCESSES, ("--processes", "2")), (("inline",), ("--workers", "2"))],
    ids=["pools", "server processes"],
)
async def test_who_cannot_hear_of_the_end_ends_too(
    models: tuple[str, ...], options: tuple[str, ...]
) -> None:
    async def ask(client: Client, model: str) -> None:
        with suppress(aiohttp.ClientError):  # the server is killed
            await client.ask(f"/hog/{model}")

    named = ("--models", ",".join(models), "--deadline", "60s")
    with running(*named, *options, *ENDLESS) as server:
        async with asking(server) as client:
            asked = [asyncio.create_task(ask(client, model)) for model in models]
            await server.begun(len(models))
            below = server.below()
            workers = [one for one in below if forked(one)]
            assert len(workers) >= 2
            for worker in workers[::2]:
                worker.suspend()
            server.process.kill()
            try:
                await none_is_left(below)
            finally:
                for process in below:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
            await asyncio.gather(*asked)
        await ended(server)
