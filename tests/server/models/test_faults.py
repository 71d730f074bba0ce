"""Nothing that a workload does ends the server, and a worker that dies is replaced."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from server.tables import MODELS
from tests.support.server_process import Client, asking, running, until

RAISED = {
    "fail": "the work raised LookupError: customer 4711 not found",
    "leave": "the work raised SystemExit: leaving",
    "interrupt": "the work raised KeyboardInterrupt: pressed",
    "cancel": "the work raised CancelledError: withdrawn",
}
SURVIVORS = ["process-per-request", "process-pool", "supervised-process-pool", "hybrid"]


async def workers(client: Client) -> set[int]:
    processes = (await client.ask("/stats")).json["processes"]
    return {process["pid"] for process in processes if process["role"] == "worker"}


async def works(client: Client, model: str) -> bool:
    return (await client.ask(f"/noop/{model}")).status == 200


@pytest.mark.parametrize("workload", RAISED)
@pytest.mark.parametrize("model", MODELS)
async def test_exceptions_of_the_work_are_reported_and_the_server_keeps_running(
    model: str, workload: str, client: Client
) -> None:
    await client.need(model)
    before = await client.gauges(model)
    answer = await client.ask(f"/{workload}/{model}")
    assert answer.status == 500
    assert answer.error["type"] == "WorkFailed"
    assert answer.error["message"] == RAISED[workload]
    assert "the server and its workers keep running" in answer.error["hint"]
    assert "Traceback" not in answer.text
    assert await works(client, model)
    after = await client.gauges(model)
    assert after.get("restarted") == before.get("restarted")
    assert after.get("busy") == before.get("busy")


@pytest.mark.parametrize("model", SURVIVORS)
async def test_work_that_kills_its_workers_is_tried_twice_and_no_more(
    model: str, client: Client
) -> None:
    answer = await client.ask(f"/die/{model}")
    assert answer.status == 500
    assert answer.error["message"].startswith("the worker died under this request")
    answers = await asyncio.gather(*(client.ask(f"/count/{model}?to=1") for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert (await client.gauges("process-pool"))["busy"] == 0


@pytest.mark.parametrize("model", SURVIVORS[:-1])
async def test_a_crash_costs_no_other_call(model: str, client: Client) -> None:
    await client.need(model)
    with client.server.shut():
        held = asyncio.create_task(client.ask(f"/hold/{model}"))
        await client.server.begun(1)
        died = await client.ask(f"/die/{model}")
    assert died.status == 500
    assert died.error["message"].startswith("the worker died under this request")
    assert (await held).status == 200


async def test_a_storm_of_crashes_costs_no_other_call() -> None:
    options = ("--models", ",".join(SURVIVORS), "--admission", "bounded", "--processes", "4")
    with running(*options) as server:
        async with asking(server) as client:

            async def twice(path: str) -> list[int]:
                return [(await client.ask(path)).status for _ in range(2)]

            for model in SURVIVORS[1:]:
                crashes = [twice(f"/die/{model}") for _ in range(6)]
                others = [twice(f"/count/{model}?to=1") for _ in range(6)]
                statuses = await asyncio.gather(*crashes, *others)
                assert statuses == [[500] * 2] * 6 + [[200] * 2] * 6
                assert (await client.ask(f"/count/{model}?to=1")).status == 200


async def test_a_leftover_thread_does_not_keep_its_process_alive(client: Client) -> None:
    assert (await client.ask("/linger/process-per-request")).status == 200
    await client.until("process-per-request", busy=0)


@pytest.mark.parametrize(
    ("model", "pool"),
    [(name, name) for name in SURVIVORS[1:3]] + [("hybrid", "process-pool")],
)
async def test_a_killed_idle_worker_costs_no_request(model: str, pool: str, client: Client) -> None:
    before = await client.gauges(pool)
    worker = (await client.ask(f"/count/{model}?to=1")).json["worker"]["pid"]
    assert worker != client.server.pid
    os.kill(worker, signal.SIGKILL)
    answers = await asyncio.gather(*(client.ask(f"/count/{model}?to=1") for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert worker not in {answer.json["worker"]["pid"] for answer in answers}

    async def replaced() -> bool:  # the pool notices the death at its next call
        assert (await client.ask(f"/count/{model}?to=1")).status == 200
        return (await client.gauges(pool))["restarted"] > before["restarted"]

    await until(replaced)
    await client.until(pool, busy=0)


@pytest.mark.parametrize("model", ["process-per-request", "process-pool"])
async def test_work_whose_worker_is_killed_runs_again(model: str, client: Client) -> None:
    with client.server.shut():
        idle = await workers(client) if model == "process-per-request" else set()
        call = asyncio.create_task(client.ask(f"/hold/{model}"))
        await client.server.begun(1)
        for pid in await workers(client) - idle:
            with suppress(ProcessLookupError):  # the pool ends all workers when it has lost one
                os.kill(pid, signal.SIGKILL)
        await client.server.begun(2)
    assert (await call).status == 200
