"""Whatever work forks, raises or returns, its request is answered, and the server keeps running."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from server.tables import MODELS
from tests.support.server_process import PATIENCE_S, Client, Running, asking, running

STARTED = [name for name in MODELS if name != "interpreter-pool"]  # cannot import the module
IN_SERVER = ("inline", "thread-per-request", "async")
SERVERS = [("--loop", "uvloop"), ("--loop", "asyncio"), ("--workers", "2"), ("--loops", "2")]
TEXT = "the deadline had passed when a worker was free"


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    options = ("--processes", "1", "--threads", "1", "--models", ",".join(STARTED))
    with running(
        *options, "--workloads", "tests.support.rude_workloads", module="server"
    ) as server:
        yield server
        server.process.terminate()  # here, because what work prints is not a complaint
        assert server.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("model", STARTED)
async def test_strange_exceptions_are_described_as_well_as_possible(
    model: str, client: Client
) -> None:
    async def failure(what: str) -> str:
        answer = await client.ask(f"/fail_rudely/{model}?what={what}")
        assert (answer.status, answer.error["type"]) == (500, "WorkFailed")
        return answer.error["message"].removeprefix("the work raised ")

    assert await failure("mute") == "Mute: its text is unknown, because str() raised AttributeError"
    assert (
        await failure("leaving") == "Leaving: its text is unknown, because str() raised SystemExit"
    )
    huge = await failure("huge")
    assert huge.startswith("ValueError: xxx")
    assert huge.endswith("x… (20000000 characters)")
    assert len(huge) < 3000
    assert await failure("late") == f"TooLate: {TEXT}"
    assert await failure("nameless") == f"an exception without a name: {TEXT}"
    if model not in {"inline", "hybrid"}:
        await client.until(model, busy=0)


@pytest.mark.parametrize("model", STARTED)
async def test_iterators_are_rejected_as_results(model: str, client: Client) -> None:
    for what, name in {
        "generator": "generator",
        "map": "map",
        "file": "TextIOWrapper",
        "nested": "count",
        "dataclass": "zip",
    }.items():
        answer = await client.ask(f"/defer/{model}?what={what}")
        assert (answer.status, answer.error["type"]) == (500, "WorkFailed")
        assert answer.error["message"] == (
            f"the result is not JSON: it contains an iterator ({name}); return a list"
        )
    if model != "async":
        rich = await client.ask(f"/answer_richly/{model}")
        assert rich.json["result"] == [{"numbers": 1}, [2], [3], {"four": {"numbers": [None]}}]


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


async def test_a_disconnect_is_noticed_even_after_a_failed_group(client: Client) -> None:
    request = asyncio.create_task(client.ask("/recover/async"))
    await client.until("async", busy=1)
    request.cancel()
    await client.until("async", busy=0, abandoned=0, cancelled=1, expired=0)
