"""Whatever work does to its process, others are answered, and nothing outlives the server."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.server.lifecycle.test_serve import none_is_left
from tests.support.odd_processes import CHANGES
from tests.support.server_process import PYTHONS, Client, Running, asking, running, until
from tests.support.weird_work import (
    LEFT_OUT,
    METHODS,
    NAMES,
    SERVERS,
    Victim,
    Weird,
    files_in,
    victim,
)

MODULE = "tests.support.odd_processes"
APART = ("process-per-request", "process-pool", "supervised-process-pool")
TOGETHER = ("inline", "thread-pool", "thread-per-request")
DIED = "^the worker died under this request, and so did the worker of its retry$"
LEFT = ("thread", "threads", "exit handler", "loop", "copy", "leaving copy", "failing copy")
MULTIPROCESSING = {"pool": [1, 2], "executor": [1, 2], "process": 0}
CRASHES = [
    *(Weird(f"perish?how={how}", 500, DIED) for how in ("exit", "segfault", "kill", "group")),
    Weird("perish?how=stack", 500, f"{DIED}|RecursionError"),  # newer Pythons notice it
    Weird("close_all", 500, DIED, ".*"),  # a standard pool's worker writes why
    Weird("start?how=orphan", 500, DIED),
]
MORE_CRASHES = [Weird(f"perish?how={how}", 500, DIED) for how in ("abort", "alarm", "limit")]
PRINTS = Weird("print_much", 200, '^""$', "(x+\n){3}")
COPIES = [Weird(f"start?how={how.replace(' ', '+')}", 200) for how in LEFT]
CHANGED = [Weird(f"change?how={how}", 200, "changed") for how in CHANGES]
# Where processes start slowly, only what depends on how they start.
WORKS = {
    "forkserver": [*CRASHES, *MORE_CRASHES, PRINTS, *COPIES, *CHANGED],
    "fork": [*CRASHES, PRINTS, *COPIES],
    "spawn": [*CRASHES[-2:], *COPIES],
}
# Processes that work leaves behind, and the status of its answer: some work waits for them.
REMAIN = {
    **dict.fromkeys(("start?how=child", "start?how=program", "start?how=open+pool"), 200),
    **dict.fromkeys(("start?how=open+executor", "start?how=manager"), 200),
    **dict.fromkeys(("start?how=wait", "start?how=shell", "halt"), 504),
}
# These leave the worker's group; after kill -9, only a fork server still knows them.
ESCAPE = {"start?how=session": 200, "start?how=wait+for+a+session": 504, "start?how=daemon": 200}
ENDS = [  # with deadlines: work that waits ends with its own, and spawned processes start slowly
    *((method, signal.SIGTERM, "5s") for method in METHODS[:2]),
    *((method, signal.SIGKILL, "20s") for method in METHODS),
]


def models_apart(method: str) -> tuple[str, ...]:
    return APART[:2] if method == "fork" else APART


@pytest.fixture(scope="module", params=SERVERS, ids=NAMES)
def weird(request: pytest.FixtureRequest) -> Iterator[tuple[str, Victim]]:
    method, python = request.param
    models = ",".join((*models_apart(method), "inline"))
    with victim(method, python, MODULE, "--models", models, "--admission", "bounded") as started:
        yield method, started


@pytest.mark.parametrize("model", APART)
async def test_work_may_do_anything_to_a_process_of_its_own(
    model: str, weird: tuple[str, Victim]
) -> None:
    method, server = weird
    async with asking(server.server) as client:
        await client.need(model)
        await server.survives(client, model, WORKS[method])


async def test_random_numbers_differ_between_workers_and_requests(
    weird: tuple[str, Victim],
) -> None:
    method, server = weird
    async with asking(server.server) as client:
        for model in models_apart(method):
            if (method, model) in LEFT_OUT:  # eight at a time may take longer than the deadline
                continue
            answers = await asyncio.gather(*(client.ask(f"/draw/{model}") for _ in range(8)))
            numbers = [number for answer in answers for number in answer.json["result"]]
            assert len({*numbers}) == len(numbers), model


@pytest.fixture(scope="module", params=[sys.executable, *PYTHONS], ids=NAMES[::3])
def shared(request: pytest.FixtureRequest) -> Iterator[Victim]:
    """A server whose models share its process."""
    models = ("--models", ",".join((*TOGETHER, "async")), "--loop", "asyncio")
    with victim("forkserver", request.param, MODULE, *models) as started:
        yield started


def caught(server: Running) -> int:
    """The signals that the server handles, as a mask."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("SigCgt:")[2].split()[0], 16)


@pytest.mark.skipif(not psutil.LINUX, reason="only Linux shows which signals are handled")
@pytest.mark.parametrize("model", TOGETHER)
async def test_changes_to_the_server_itself_are_survived(model: str, shared: Victim) -> None:
    server = shared.server
    handled = caught(server)
    main = model == "inline"
    async with asking(server) as client:
        for how in ("folder", "recursion", "switch", "clock", "silence", "alarm", "mask", "deaf"):
            answer = await client.ask(f"/change/{model}?how={how}")
            assert answer.status == (200 if main or how != "deaf" else 500)
        for how in LEFT[2:]:
            assert (await client.ask(f"/start/{model}?how={how.replace(' ', '+')}")).status == 200

        async def restored() -> bool:
            return caught(server) == handled and (await client.ask("/openapi.json")).status == 200

        await until(restored)
        assert (await client.ask(f"/draw/{model}")).status == 200
        # The server ends it at its own end.
        assert (await client.ask(f"/start/{model}?how=program")).status == 200


@pytest.mark.parametrize(("method", "number", "deadline"), ENDS)
async def test_work_may_start_processes_which_end_with_its_worker(
    method: str, number: signal.Signals, deadline: str
) -> None:
    models = ("--models", ",".join(models_apart(method)), "--start-method", method)
    remain = REMAIN | (ESCAPE if method == "forkserver" else {})
    sizes = ("--processes", str(len(remain) + 1), "--deadline", deadline)
    options = (*models, *sizes, "--admission", "bounded", "--workloads", MODULE)
    with (
        tempfile.TemporaryDirectory(prefix="weird-") as folder,
        running(*options, temporary=folder) as server,
    ):
        async with asking(server) as client:

            async def ask(model: str, query: str) -> tuple[str, int]:
                work, _, how = query.partition("?")
                return query, (await client.ask(f"/{work}/{model}?{how}")).status

            async def start_all(model: str) -> None:
                for how, result in MULTIPROCESSING.items():
                    answer = await client.ask(f"/start/{model}?how={how}")
                    assert answer.json["result"] == result
                for status in (200, 504) if number == signal.SIGTERM else (200,):  # 504 takes long
                    queries = [query for query in remain if remain[query] == status]
                    answers = await asyncio.gather(*(ask(model, query) for query in queries))
                    assert dict(answers) == dict.fromkeys(queries, status), model

            await asyncio.gather(*map(start_all, models_apart(method)))
            below = server.below()
            assert len(below) > len(remain)
            os.kill(server.pid, number)
            assert await server.ended() == (0 if number == signal.SIGTERM else -number)
            await none_is_left(below)
        # Killed works cannot delete the files of their own pools.
        assert number == signal.SIGKILL or not files_in(folder)


@pytest.mark.parametrize("model", APART)
async def test_a_child_that_is_ended_at_birth_ends(model: str) -> None:
    own = ("--models", model, "--processes", "1", "--workloads", "tests.support.rude_workloads")
    with running(*own, module="server") as server:
        async with asking(server) as client:
            answer = await client.ask(f"/fork/{model}?how=stillborn")
            assert answer.json["result"] == [-signal.SIGTERM]
        server.process.terminate()  # here, because its workers write when they import the module
        assert server.process.wait() == 0


async def workers(client: Client, model: str) -> list[int]:
    states = (await client.ask("/stats")).json["models"][model]["workers"]
    return [worker["pid"] for worker in states if worker["state"] == "idle"]


@pytest.fixture(params=["uvloop", "asyncio"])
async def crowded(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    models = ("--models", f"async,{APART[2]}", "--processes", "1", "--loop", request.param)
    with running(*models, "--workloads", MODULE) as server:
        async with asking(server) as client:
            assert (await client.ask("/crowd/async")).status == 200
            yield client
        assert await server.stopped() == 0
        assert server.complaints() == ""


async def test_errands_of_the_server_do_not_wait_behind_work(crowded: Client) -> None:
    [worker] = await workers(crowded, APART[2])
    os.kill(worker, signal.SIGKILL)

    async def replaced() -> bool:
        return await workers(crowded, APART[2]) not in ([], [worker])

    await until(replaced)
    for path in ("/openapi.json", "/stats"):
        assert (await crowded.ask(path)).status == 200
    async with aiohttp.ClientSession(crowded.server.url) as session:
        assert (await session.get("/metrics")).status == 200
