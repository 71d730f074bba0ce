"""Each worker of the supervised pool is timed out, killed and replaced on its own."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from server.models.supervised.pool import SupervisedProcessPool
from server.settings import Settings
from tests.support.server_process import Client, Running, running, until

MODEL = "supervised-process-pool"
KILLS = 20


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    with running("--loop", request.param, "--models", MODEL, "--processes", "2") as server:
        yield server


async def workers(client: Client) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = (await client.ask("/stats")).json["models"][MODEL]["workers"]
    return states


async def busy(client: Client) -> list[int]:
    return [worker["pid"] for worker in await workers(client) if worker["state"] == "busy"]


async def test_a_killed_worker_costs_one_retry(client: Client) -> None:
    """Kill workers that hold a call, again and again, while 16 clients send requests."""
    before = await client.gauges(MODEL)
    over = asyncio.Event()
    statuses: list[int] = []

    async def ask_on() -> None:
        while not over.is_set():
            statuses.append((await client.ask(f"/sleep/{MODEL}?ms=5")).status)

    clients = [asyncio.create_task(ask_on()) for _ in range(16)]
    rng = random.Random(1)
    for kill in range(1, KILLS + 1):
        os.kill(rng.choice(await _busy(client)), signal.SIGKILL)
        await client.until(MODEL, restarted=before["restarted"] + kill)
        answered = len(statuses) + rng.randrange(20, 40)  # so that no call is killed twice

        async def on(answered: int = answered) -> bool:
            return len(statuses) >= answered

        await until(on)
    over.set()
    await asyncio.gather(*clients)
    after = await client.gauges(MODEL)
    refused = after["refused"] - before["refused"]  # by a busy machine: see admission
    assert Counter(statuses) == Counter({200: len(statuses) - refused, 503: refused})  # all retried
    # A worker may have finished its call just before it was killed.
    assert 0.8 * KILLS <= after["lost"] - before["lost"] <= KILLS
    await client.until(MODEL, busy=0, queued=0)


async def _busy(client: Client) -> list[int]:
    pids: list[int] = []

    async def some() -> bool:
        pids[:] = await busy(client)
        return bool(pids)

    await until(some)
    return pids


async def test_a_killed_worker_costs_exactly_the_call_that_it_held(client: Client) -> None:
    before = await client.gauges(MODEL)
    with client.server.shut():
        held = [asyncio.create_task(client.ask(f"/hold/{MODEL}")) for _ in range(2)]
        queued = [asyncio.create_task(client.ask(f"/hold/{MODEL}")) for _ in range(6)]
        await client.server.begun(2)
        victim, other = await busy(client)
        os.kill(victim, signal.SIGKILL)
        await client.server.begun(3)  # another worker has taken a call
        assert other in await busy(client)
        await client.until(MODEL, lost=before["lost"] + 1, restarted=before["restarted"] + 1)
    answers = await asyncio.gather(*held, *queued)
    assert {answer.status for answer in answers} == {200}
    assert client.server.held() == len(answers) + 1  # the lost call began twice


async def test_each_worker_shows_its_state(client: Client) -> None:
    with client.server.shut():
        held = asyncio.create_task(client.ask(f"/hold/{MODEL}"))
        await client.server.begun(1)
        shown = await workers(client)
        assert sorted(worker["state"] for worker in shown) == ["busy", "idle"]
        assert all(list(worker) == ["pid", "state", "calls", "age_ms"] for worker in shown)
        [pid] = await busy(client)
    assert (await held).json["worker"]["pid"] == pid
    assert await busy(client) == []


@pytest.mark.parametrize("kib", [0, 1, 63, 64, 65, 8192])
async def test_payloads_of_every_size_arrive(kib: int, client: Client) -> None:
    answer = await client.ask(f"/echo/{MODEL}?kib={kib}")
    assert answer.json["result"] == {"bytes": kib * 1024}


def test_under_fork_it_says_why_not() -> None:
    why = SupervisedProcessPool.missing(Settings(start_method="fork"))
    assert why
    assert "use --start-method forkserver or spawn" in why
    assert SupervisedProcessPool.missing(Settings(start_method="spawn")) is None


def test_it_keeps_every_promise() -> None:
    assert all(SupervisedProcessPool.promises.kept().values())
