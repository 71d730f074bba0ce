"""Workers whose threads cannot run, because C code holds the GIL or they are stopped, end too."""

import asyncio
from contextlib import suppress

import aiohttp
import psutil
import pytest

from tests.server.admission.test_hang_up import ENDLESS
from tests.server.lifecycle.test_serve import none_is_left
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
async def test_workers_end_with_a_killed_server(
    models: tuple[str, ...], options: tuple[str, ...]
) -> None:
    async def ask(client: Client, model: str) -> None:
        with suppress(aiohttp.ClientError):  # the server is killed
            await client.ask(f"/hog/{model}")

    named = ("--models", ",".join(models), "--deadline", "60s")
    with running(*named, *options, *ENDLESS) as server:
        async with asking(server) as client:
            calls = [asyncio.create_task(ask(client, model)) for model in models]
            await server.begun(len(models))
            below = server.below()
            workers = list(filter(forked, below))
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
            await asyncio.gather(*calls)
        await server.ended()
