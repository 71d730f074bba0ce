"""A second signal ends the server at once, even if its event loops are blocked."""

import asyncio
import os
import signal

import pytest

from tests.server.lifecycle.test_serve import ended, none_is_left
from tests.support.server_process import asking, running

SERVERS = [("--loop", "uvloop"), ("--loop", "asyncio"), ("--workers", "2"), ("--loops", "2")]
SERVERS += [("--start-method", "fork")]
MODELS = (
    "--models",
    "inline,process-pool",
    "--processes",
    "1",
    "--workloads",
    "tests.support.endless_workloads",
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("options", SERVERS, ids="=".join)
async def test_two_signals_end_a_server_whose_loop_is_blocked(options: tuple[str, str]) -> None:
    with running(*options, *MODELS) as server, server.shut():
        async with asking(server) as client:
            assert (await client.ask("/noop/process-pool")).status == 200
            spinning = asyncio.create_task(client.ask("/spin/inline"))
            await server.begun(1)
            below = server.below()
            os.kill(server.pid, signal.SIGTERM)
            os.kill(server.pid, signal.SIGINT)  # the kernel would merge two equal ones
            assert await ended(server) == 1
            await none_is_left(below)
            await asyncio.gather(spinning, return_exceptions=True)
