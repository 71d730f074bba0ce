"""Work whose client disconnects, or that never ends, is dropped from the queue, or killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psutil
import pytest

from server.admission.bulkhead import Visit
from server.models.selection import load
from server.models.supervised.pool import Reaper
from server.models.supervised.worker_process import WorkerCall
from server.tables import MODELS
from tests.support.admission import LONG_S, bounded
from tests.support.server_process import Client, Running, asking, running, until

POOLED = sorted(MODELS.keys() - {"inline", "async", "hybrid", "interpreter-pool"})
KILLS = [name for name in POOLED if load(name).promises.kept()["kills_abandoned"]]
CANCELS = [name for name in POOLED if load(name).promises.kept()["cancels_queued"]]
PROCESSES = 2
ENDLESS = ("--workloads", "tests.support.endless_workloads")


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    options = ("--threads", "1", "--processes", str(PROCESSES), "--admission", "bounded")
    with running(*options, "--deadline", "60s", *ENDLESS) as server:
        yield server


async def hang_up(request: asyncio.Task[object]) -> None:
    request.cancel()  # which makes aiohttp's client close the connection
    await asyncio.wait([request])


def spinning(server: Running) -> psutil.Process:
    """Return the process that computes."""
    return psutil.Process(int(server.gate.with_name("gate.pid").read_text()))


def test_the_guarantees_of_the_models_are_the_expected_ones() -> None:
    assert KILLS == ["process-per-request", "supervised-process-pool"]
    assert {"thread-pool", "thread-per-request", *KILLS} == {*CANCELS}


@pytest.mark.parametrize("model", KILLS)
async def test_killable_work_ends_when_its_client_hangs_up(model: str, client: Client) -> None:
    before = await client.gauges(model)
    with client.server.shut():
        request = asyncio.create_task(client.ask(f"/spin/{model}"))
        await client.server.begun(1)
        worker = spinning(client.server)
        await hang_up(request)
        await asyncio.to_thread(psutil.wait_procs, [worker], 5)
    assert not worker.is_running()
    await client.until(model, busy=0, abandoned=0, cancelled=before["cancelled"] + 1)
    assert (await client.ask(f"/noop/{model}")).status == 200


@pytest.mark.parametrize("model", CANCELS)
async def test_queued_work_never_starts_once_its_client_has_hung_up(
    model: str, client: Client
) -> None:
    before = await client.gauges(model)
    slots = before["slots"]
    with client.server.shut():
        served = [asyncio.create_task(client.ask(f"/hold/{model}")) for _ in range(slots)]
        await client.server.begun(slots)
        queued = [asyncio.create_task(client.ask(f"/hold/{model}")) for _ in range(5)]
        await client.until(model, busy=slots, queued=5)
        for request in queued:
            await hang_up(request)
        await client.until(model, queued=0, cancelled=before["cancelled"] + 5)
    assert {answer.status for answer in await asyncio.gather(*served)} == {200}
    await client.until(model, busy=0)
    assert client.server.held() == slots


async def test_a_thread_whose_client_hangs_up_counts_as_abandoned(client: Client) -> None:
    with client.server.shut():
        request = asyncio.create_task(client.ask("/hold/thread-pool"))
        await client.server.begun(1)
        await hang_up(request)
        await client.until("thread-pool", busy=1, abandoned=1)
        assert (await client.ask("/noop/supervised-process-pool")).status == 200
    await client.until("thread-pool", busy=0, abandoned=0)


async def test_an_awaited_twin_ends_when_its_client_hangs_up(client: Client) -> None:
    request = asyncio.create_task(client.ask("/sleep/async?ms=5000"))
    await client.until("async", busy=1)
    await hang_up(request)
    await client.until("async", busy=0, cancelled=1)
    async with client._session.get("/metrics") as answer:
        assert 'model="async",status="499",workload="sleep"} 1.0' in await answer.text()


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
async def test_late_work_is_killed_and_its_slot_comes_back(method: str, database: None) -> None:
    options = ("--processes", "1", "--deadline", "500ms", "--start-method", method, *ENDLESS)
    with running(*options, "--models", ",".join(KILLS)) as server, server.shut():
        async with asking(server) as client:
            for model in KILLS:
                late = await client.ask(f"/spin/{model}")
                assert late.status == 504
                assert late.error["message"].startswith("the request was not done by its deadline")
                gauges = {"busy": 0, "abandoned": 0, "lost": 0, "expired": 1}
                await client.until(model, **gauges, restarted=int(model.startswith("supervised")))

                async def served(model: str = model) -> bool:
                    return (await client.ask(f"/noop/{model}")).status == 200

                await until(
                    served
                )  # not at once: a process may take longer to start than a request


async def test_mass_disconnects_kill_few_workers() -> None:
    killed = []

    class Holder:
        def kill(self) -> None:
            killed.append(self)

    reaper = Reaper(PROCESSES)
    local = asyncio.get_running_loop().create_future()
    visit = Visit(bounded(1, 0, LONG_S), 0.0)
    calls = [WorkerCall(b"", local, visit, holder=Holder()) for _ in range(50)]  # type: ignore[arg-type]
    done = WorkerCall(b"", local, visit)  # it ends within the grace period
    for call in (done, *calls):
        reaper.abandon(call)

    async def so() -> bool:
        return len(killed) > PROCESSES

    await until(so)  # the next kill, about half a second later
    assert len(killed) == PROCESSES + 1
