"""Each worker of the supervised pool is timed out, killed and replaced on its own."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from server.models.supervised.pool import SupervisedProcessPool
from server.settings import Settings
from tests.support.server_process import Client, Running, asking, running, until

MODEL = "supervised-process-pool"
KILLS = 20
DEADLINE_S = 0.5


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def supervised(request: pytest.FixtureRequest) -> Iterator[Running]:
    with running("--loop", request.param, "--models", MODEL, "--processes", "2") as server:
        yield server


@pytest.fixture(scope="module", params=["forkserver", "spawn"])
def hasty(request: pytest.FixtureRequest) -> Iterator[Running]:
    options = ("--models", MODEL, "--processes", "1", "--deadline", f"{DEADLINE_S}s")
    with running("--start-method", request.param, *options) as server:
        yield server


@pytest.fixture
async def pool(supervised: Running) -> AsyncIterator[Client]:
    async with asking(supervised) as client:
        yield client


@pytest.fixture
async def hurried(hasty: Running) -> AsyncIterator[Client]:
    async with asking(hasty) as client:
        yield client


async def workers(client: Client) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = (await client.ask("/stats")).json["models"][MODEL]["workers"]
    return states


async def busy(client: Client) -> list[int]:
    return [worker["pid"] for worker in await workers(client) if worker["state"] == "busy"]


async def test_a_killed_worker_costs_one_retry(pool: Client) -> None:
    """Kill workers that hold a call, again and again, while 16 clients send requests."""
    before = await pool.gauges(MODEL)
    over = asyncio.Event()
    statuses: list[int] = []

    async def client() -> None:
        while not over.is_set():
            statuses.append((await pool.ask(f"/sleep/{MODEL}?ms=5")).status)

    clients = [asyncio.create_task(client()) for _ in range(16)]
    rng = random.Random(1)
    for kill in range(1, KILLS + 1):
        os.kill(rng.choice(await _busy(pool)), signal.SIGKILL)
        await pool.until(MODEL, restarted=before["restarted"] + kill)
        answered = len(statuses) + rng.randrange(20, 40)  # so that no call is killed twice

        async def on(answered: int = answered) -> bool:
            return len(statuses) >= answered

        await until(on)
    over.set()
    await asyncio.gather(*clients)
    assert set(statuses) == {200}  # each lost call was retried
    after = await pool.gauges(MODEL)
    # A worker may have finished its call just before it was killed.
    assert 0.8 * KILLS <= after["lost"] - before["lost"] <= KILLS
    await pool.until(MODEL, busy=0, queued=0)


async def _busy(client: Client) -> list[int]:
    pids: list[int] = []

    async def some() -> bool:
        pids[:] = await busy(client)
        return bool(pids)

    await until(some)
    return pids


async def test_a_killed_worker_costs_exactly_the_call_that_it_held(pool: Client) -> None:
    before = await pool.gauges(MODEL)
    with pool.server.shut():
        held = [asyncio.create_task(pool.ask(f"/hold/{MODEL}")) for _ in range(2)]
        queued = [asyncio.create_task(pool.ask(f"/hold/{MODEL}")) for _ in range(6)]
        await pool.server.begun(2)
        victim, other = await busy(pool)
        os.kill(victim, signal.SIGKILL)
        await pool.server.begun(3)  # another worker has taken a call
        assert other in await busy(pool)
        await pool.until(MODEL, lost=before["lost"] + 1, restarted=before["restarted"] + 1)
    answers = await asyncio.gather(*held, *queued)
    assert {answer.status for answer in answers} == {200}
    assert pool.server.held() == len(answers) + 1  # the lost call began twice


async def test_each_worker_shows_its_state(pool: Client) -> None:
    with pool.server.shut():
        held = asyncio.create_task(pool.ask(f"/hold/{MODEL}"))
        await pool.server.begun(1)
        shown = await workers(pool)
        assert sorted(worker["state"] for worker in shown) == ["busy", "idle"]
        assert all(list(worker) == ["pid", "state", "calls", "age_ms"] for worker in shown)
        [pid] = await busy(pool)
    assert (await held).json["worker"]["pid"] == pid
    assert await busy(pool) == []


async def test_an_idle_worker_that_is_killed_is_replaced(pool: Client) -> None:
    before = await pool.gauges(MODEL)
    pids = {worker["pid"] for worker in await workers(pool)}
    os.kill(min(pids), signal.SIGKILL)
    await pool.until(MODEL, restarted=before["restarted"] + 1, lost=before["lost"])

    async def replaced() -> bool:
        now = await workers(pool)
        return len(now) == 2 and min(pids) not in {worker["pid"] for worker in now}

    await until(replaced)
    answers = await asyncio.gather(*(pool.ask(f"/noop/{MODEL}") for _ in range(10)))
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize("kib", [0, 1, 63, 64, 65, 8192])
async def test_payloads_of_every_size_arrive(kib: int, pool: Client) -> None:
    answer = await pool.ask(f"/echo/{MODEL}?kib={kib}")
    assert answer.json["result"] == {"bytes": kib * 1024}


async def test_late_work_is_killed_and_its_slot_comes_back(hurried: Client) -> None:
    before = await hurried.gauges(MODEL)
    with hurried.server.shut():
        late = await hurried.ask(f"/hold/{MODEL}")
        assert late.status == 504
        assert late.error["message"].startswith("the request was not done by its deadline")
        answer = await hurried.ask(f"/noop/{MODEL}")  # while the gate is still shut
        assert answer.status == 200
    after = await hurried.gauges(MODEL)
    assert after["restarted"] == before["restarted"] + 1
    assert after["expired"] == before["expired"] + 1
    assert (after["busy"], after["lost"]) == (0, before["lost"])


def test_under_fork_it_says_why_not() -> None:
    why = SupervisedProcessPool.missing(Settings(start_method="fork"))
    assert why
    assert "use --start-method forkserver or spawn" in why
    assert SupervisedProcessPool.missing(Settings(start_method="spawn")) is None


def test_it_keeps_every_promise() -> None:
    assert all(SupervisedProcessPool.promises.kept().values())
