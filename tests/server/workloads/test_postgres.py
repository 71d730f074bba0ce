"""Queries go to a real PostgreSQL through pools of the size that was asked for."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from server.tables import MODELS
from server.workloads import postgres
from server.workloads.registry import Unavailable
from tests.support.server_process import Client, Running, asking, running, until

PATIENT = ("--deadline", "30s")
TABLES = (
    "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace ORDER BY 1"
)
NOWHERE = "postgresql://someone:secret@127.0.0.1:1/nothing"


@pytest.fixture
async def _possible(client: Client) -> None:
    """Skip where the Python of the shared server lacks a package."""
    about = (await client.ask("/")).json["workloads"]["postgres"]
    if not about["models"]:
        pytest.skip(about["impossible"]["inline"])


def folder_of(server: Running) -> Path:
    """Return the folder of the database that a server has started."""
    [process] = [below for below in server.below() if "-k" in below.cmdline()]
    return Path(process.cmdline()[process.cmdline().index("-k") + 1])


def database(server: Running) -> str:
    return f"host={folder_of(server)} user=postgres dbname=postgres"


def private(folder: Path) -> bool:
    return folder.stat().st_mode & 0o077 == 0


def backends(address: str, size: int) -> list[int]:
    """List the processes of the connections of pools of this size."""
    with psycopg.connect(address) as connection:
        statement = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        return [pid for (pid,) in connection.execute(statement, [f"loadbearing, pool of {size}"])]


@pytest.mark.usefixtures("_possible")
@pytest.mark.parametrize(("model", "pools"), [("thread-pool", 1), ("async", 1), ("dask", 2)])
async def test_a_pool_makes_no_more_connections_than_its_size(
    model: str, pools: int, client: Client
) -> None:
    await client.need(model)
    size = 11 + list(MODELS).index(model)  # which no other test uses
    path = f"/postgres/{model}?ms=20&rows=3&connections="
    alone, *_ = [await client.ask(f"{path}{size}") for _ in range(2)]
    assert alone.json["result"] == {"rows": 3, "cents": 2 * 149 + 3 * 199 + 4 * 249}
    address = database(client.server)
    assert 1 <= len(backends(address, size)) <= pools
    answers = await asyncio.gather(*(client.ask(f"{path}{size}") for _ in range(4 * pools)))
    assert {answer.status for answer in answers} == {200}
    assert len(backends(address, size)) <= size * pools


@pytest.mark.usefixtures("_possible")
@pytest.mark.parametrize("model", ["async", "thread-pool"])
async def test_a_connection_is_kept_while_the_application_thinks(
    model: str, client: Client
) -> None:
    path = f"/postgres/{model}?connections=1&ms=0&rows=0"
    await client.ask(path)
    slow = asyncio.create_task(client.ask(f"{path}&think=300"))
    await client.until(model, busy=1)
    fast = await client.ask(path)
    assert slow.done(), "the only connection was free"
    assert fast.json["ms"]["ran"] > 100
    assert (await slow).json["result"] == {"rows": 0, "cents": 0}


async def test_sub_interpreters_cannot_have_a_pool(client: Client) -> None:
    about = (await client.ask("/")).json
    if about["models"]["interpreter-pool"]["why"]:
        pytest.skip("no sub-interpreters")
    reasons = about["workloads"]["postgres"]["impossible"]
    assert reasons["interpreter-pool"] in (postgres.NO_INTERPRETERS, postgres.MISSING)


async def test_nothing_is_left_when_the_server_is_killed() -> None:
    with running("--models", "thread-pool,process-pool", *PATIENT, module="server") as server:
        async with asking(server) as client:
            for model in ("thread-pool", "process-pool"):
                assert (await client.ask(f"/postgres/{model}")).status == 200
        folder, below = folder_of(server), server.below()
        assert private(folder)
        server.process.kill()
        await server.ended()
        gone, alive = await asyncio.to_thread(psutil.wait_procs, below, 30)
        assert (len(gone), alive) == (len(below), [])
        assert not os.path.exists(folder)  # noqa: PTH110, ASYNC240 - at once


@asynccontextmanager
async def elsewhere(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A PostgreSQL that has nothing to do with a server."""
    monkeypatch.delenv(postgres.GIVEN, raising=False)
    async with postgres.database():
        yield await asyncio.to_thread(postgres._address)


async def test_a_database_of_the_user_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def tables(address: str) -> list[tuple[object, ...]]:
        with psycopg.connect(address) as connection:
            return connection.execute(TABLES).fetchall()

    async with elsewhere(monkeypatch) as address:
        before = await asyncio.to_thread(tables, address)
        options = ("--models", "async,thread-pool,process-pool", "--processes", "1", *PATIENT)
        with running(*options, "--postgres", address, module="server") as server:
            async with asking(server) as client:
                for model in ("async", "thread-pool", "process-pool"):
                    answer = await client.ask(f"/postgres/{model}?rows=2")
                    assert answer.json["result"]["rows"] == 2
            assert len(await asyncio.to_thread(backends, address, 5)) == 3
            assert not any("-k" in below.cmdline() for below in server.below())
            assert await server.stopped() == 0

        async def disconnected() -> bool:
            return not backends(address, 5)

        await until(disconnected)
        assert await asyncio.to_thread(tables, address) == before


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (NOWHERE, "the PostgreSQL at --postgres cannot be used: connection failed: "),
        ("postgresql//someone:secret@host", "--postgres is not an address; write postgresql://"),
    ],
)
async def test_what_is_wrong_with_an_address_is_said_without_its_password(
    address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres.GIVEN, address)
    with pytest.raises(Unavailable) as raised:
        async with postgres.database():
            pass
    assert str(raised.value).startswith(reason)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_outside_a_server_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (postgres.GIVEN, postgres.EMBEDDED):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(RuntimeError, match="no PostgreSQL is running: run this workload in the"):
        postgres._address()


@pytest.mark.parametrize("given", ["", NOWHERE])
async def test_where_psycopg_is_missing_no_model_runs_it_and_the_reason_is_given(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres.GIVEN, given)
    why = postgres.NO_DRIVER if given else postgres.MISSING
    models = ("--models", "inline,async,thread-pool")
    with running(*models, module="tests.support.without_psycopg") as server:
        async with asking(server) as client:
            about = (await client.ask("/")).json["workloads"]["postgres"]
            assert about["models"] == []
            assert about["impossible"] == dict.fromkeys(("inline", "async", "thread-pool"), why)
            answer = await client.ask("/postgres/async")
            assert (answer.status, answer.error["type"]) == (501, "CannotRun")
            assert answer.error["message"] == f"this cannot run: {why}"
            assert (await client.ask("/sleep/async")).status == 200
    assert os.environ[postgres.GIVEN] == given
