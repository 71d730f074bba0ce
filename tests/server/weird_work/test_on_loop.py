"""Work that forks, exits or clings in the server's own process does not end the server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.server_process import Client, asking, running

IN_SERVER = ("inline", "thread-per-request", "async")
SERVERS = [("--loop", "uvloop"), ("--loop", "asyncio"), ("--workers", "2"), ("--loops", "2")]


@pytest.fixture(params=SERVERS, ids="=".join)
async def plain(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Ask a server whose models never leave its process."""
    models = ("--models", ",".join(IN_SERVER), "--deadline", "3s")
    with running(
        *request.param, *models, "--workloads", "tests.support.rude_workloads", module="server"
    ) as server:
        async with asking(server) as client:
            yield client
        assert await server.stopped() == 0, "what work left behind did not keep it from ending"


async def test_neither_forks_nor_exits_end_the_server(plain: Client) -> None:
    for model in ("inline", "thread-per-request"):
        for how, result in {"pool": [1, 2], "terminate": [-15], "stillborn": [-15]}.items():
            answer = await plain.ask(f"/fork/{model}?how={how}")
            assert answer.json["result"] == result
    assert {*plain.server.complaints().splitlines()} == {"rude: imported"}
    for how in ("task", "soon", "later", "done", "stop"):
        assert (await plain.ask(f"/leave_by/async?how={how}")).json["result"] == 1
    for how, failure in {
        "await": "SystemExit: leaving",
        "group": "SystemExit: leaving",
        "executor": "SystemExit: leaving",
        "self": "CancelledError",
        "fail": "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
    }.items():
        answer = await plain.ask(f"/leave_by/async?how={how}")
        assert answer.error["message"] == f"the work raised {failure}"
    late = await asyncio.gather(plain.ask("/recover/async"), plain.ask("/cling/async"))
    assert [answer.status for answer in late] == [504, 504]
    await plain.until("async", busy=1, abandoned=1)  # which ignores its cancellation
    assert (await plain.ask("/ready")).status == 200
    log = plain.server.complaints()
    assert "rude_workloads.py:" in log
    assert "; the server continues" in log
    assert "unexpected error" not in log


async def test_a_disconnect_is_noticed_even_after_a_failed_group() -> None:
    own = ("--models", "async", "--workloads", "tests.support.rude_workloads")
    with running(*own, module="server") as server:
        async with asking(server) as client:
            request = asyncio.create_task(client.ask("/recover/async"))
            await client.until("async", busy=1)
            request.cancel()
            await client.until("async", busy=0, abandoned=0, cancelled=1, expired=0)
        assert await server.stopped() == 0
