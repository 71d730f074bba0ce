"""Several event loops, in processes or in threads: they answer, count and end as one service."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.server.lifecycle.test_serve import none_is_left
from tests.support.cli import run
from tests.support.prometheus_client import scrape
from tests.support.server_process import Running, running, until
from tests.support.several_loops import FEW, SEVERAL, counted, one_each, serving

pytestmark = pytest.mark.usefixtures("database")


ALONE = """from multiprocessing import parent_process
assert not parent_process(), "alone"
from server.workloads import workload

@workload(kind="cpu")
def work() -> None: ...
"""
LOOPS = dict(zip(SEVERAL, ("uvloop", "asyncio"), strict=True))


@pytest.fixture(scope="module", params=SEVERAL)
def several(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(several: str, database: None) -> Iterator[Running]:
    with serving(several, LOOPS[several], "--deadline", "60s") as started:
        yield started


async def test_both_loops_answer_and_can_be_distinguished(several: str, server: Running) -> None:
    async with one_each(server) as clients:
        (first, second) = clients
        assert (first[0] == second[0]) == (several == "loops")
        assert first != second
        for client in clients.values():  # each server process has a site once it is read
            assert (await client.ask("/fetch/thread-pool")).status == 200
        stats = (await clients[first].ask("/stats")).json
    assert {(loop["pid"], loop["thread"]) for loop in stats["loops"]} == {first, second}
    assert stats["models"]["thread-pool"]["slots"] == 2 * 16
    workers = [w["pid"] for w in stats["models"]["supervised-process-pool"]["workers"]]
    roles = Counter(process["role"] for process in stats["processes"])
    if several == "workers":
        assert roles["master"] == 1
        assert stats["processes"][0]["pid"] == server.pid
        servers = {p["pid"] for p in stats["processes"] if p["role"] == "server"}
        assert servers == {first[0], second[0]}
        assert roles["site"] == 2
    else:
        assert (roles["master"], roles["server"], roles["site"]) == (0, 1, 1)
    assert {p["pid"] for p in stats["processes"] if p["role"] == "worker"} == set(workers)
    assert len(set(workers)) == 2


async def test_counters_add_up_over_all_loops(server: Running) -> None:
    async with one_each(server) as clients:
        for rounds, client in zip((3, 4), clients.values(), strict=True):
            for _ in range(rounds):
                assert (await client.ask("/noop/thread-pool")).status == 200
    await counted(server, 7)


async def test_while_one_loop_is_blocked_the_other_one_answers_for_both(server: Running) -> None:
    async with one_each(server) as clients:
        blocked, answering = clients.items()
        with server.shut():
            holding = asyncio.create_task(blocked[1].ask("/hold/inline"))
            await server.begun(1)

            async def silent() -> bool:
                stats = (await answering[1].ask("/stats")).json
                ages = {(loop["pid"], loop["thread"]): loop["age_s"] for loop in stats["loops"]}
                assert ages[answering[0]] < 0.2
                return bool(ages[blocked[0]] > 0.5 and stats["loop_lag_ms"]["max"] > 250)

            await until(silent)
            assert not holding.done()
        assert (await holding).status == 200

        async def lives() -> bool:
            stats = (await answering[1].ask("/stats")).json
            return all(loop["age_s"] < 0.5 for loop in stats["loops"])

        await until(lives)


async def test_a_killed_worker_is_replaced_and_counters_never_fall() -> None:
    with running("--workers", "2", *FEW) as server:
        async with one_each(server) as clients:
            for client in clients.values():
                for _ in range(5):
                    await client.ask("/noop/thread-pool")
            await counted(server, 10)
            (victim, _), (survivor, client) = clients.items()
            below = psutil.Process(victim[0]).children(recursive=True)
            before = await scrape(server)
            os.kill(victim[0], signal.SIGKILL)

            async def replaced() -> bool:
                nonlocal before
                earlier, before = before, await scrape(server)
                for (name, labels), value in earlier.samples.items():
                    if name.endswith(("_total", "_count", "_bucket")):
                        assert before.samples[name, labels] >= value, (name, labels)
                pids = {loop["pid"] for loop in (await client.ask("/stats")).json["loops"]}
                return len(pids) == 2 and victim[0] not in pids and survivor[0] in pids

            await until(replaced)
        await none_is_left(below)
        async with one_each(server) as clients:
            for client in clients.values():
                await client.ask("/noop/thread-pool")
        await counted(server, 12)
        assert await server.stopped() == 0
        [line] = server.complaints().splitlines()
        assert f"Worker (pid:{victim[0]}) was sent SIGKILL" in line


def test_the_port_of_several_loops_is_taken(several: str, server: Running) -> None:
    ended = run("server", "--port", str(server.port), f"--{several}", "2", *FEW)
    assert (ended.code, ended.out) == (1, "")
    assert f"cannot listen on 127.0.0.1:{server.port}: Address already in use" in ended.err


def test_a_failed_start_gives_the_reason(several: str, tmp_path: Path) -> None:
    module = tmp_path / "alone.py"
    module.write_text(ALONE)
    several_loops = ("--port", "0", f"--{several}", "2", "--start-method", "spawn", *FEW)
    ended = run("server", *several_loops, "--workloads", str(module))
    assert (ended.code, ended.out) == (1, "")
    assert "the server cannot start: worker processes cannot import the workloads" in ended.err
    assert f"{module}:2: AssertionError: alone" in ended.err
    assert "Traceback" not in ended.err
