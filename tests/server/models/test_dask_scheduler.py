"""When a Dask scheduler dies, nothing waits for it, and the server reconnects when it is back."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from tests.server.lifecycle.test_serve import none_is_left
from tests.server.models.test_dask import MODELS, needs_dask, scheduler, works
from tests.support.faulty_workloads import GATE
from tests.support.server_process import ROOT, Client, Running, asking, running, until

FOREIGN = """
import asyncio, sys
from distributed import LocalCluster
async def run(port):
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    cluster = await LocalCluster(host="127.0.0.1", scheduler_port=port, n_workers=1,
                                 threads_per_worker=2, processes=False, scheduler_kwargs=quiet,
                                 asynchronous=True)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    [worker] = cluster.workers.values()
    while cluster.scheduler.tasks or worker.state.ready:
        await asyncio.sleep(0.01)
    print("has no task", flush=True)
    await asyncio.Event().wait()
asyncio.run(run(int(sys.argv[1])))
"""


@contextmanager
def foreign(port: int, server: Running) -> Iterator[subprocess.Popen[str]]:
    """Run a scheduler at that port, and a worker of two threads; the server does not own them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", FOREIGN, str(port)],
            cwd=ROOT,
            env={**os.environ, GATE: str(server.gate), "DASK_TEMPORARY_DIRECTORY": repr(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def forgets(cluster: subprocess.Popen[str]) -> bool:
    """Wait until neither the scheduler nor its worker has a task that could still begin.

    The worker learns a moment later that a task was cancelled: until then a free thread would begin
    it.
    """
    assert cluster.stdin is not None
    assert cluster.stdout is not None
    cluster.stdin.write("\n")
    cluster.stdin.flush()
    return cluster.stdout.readline() == "has no task\n"


@needs_dask
async def test_a_killed_scheduler_loses_calls_in_flight_and_is_restarted() -> None:
    options = ("--processes", "2", "--deadline", "60s", "--admission", "bounded")
    with running(*MODELS, *options) as server:
        async with asking(server) as client:
            with server.shut():
                calls = [asyncio.create_task(client.ask("/hold/dask")) for _ in range(8)]
                await server.begun(2)
                below = scheduler(server).children()
                scheduler(server).kill()
                answers = await asyncio.gather(*calls)  # while the work could not end
            answers.append(await client.ask("/noop/dask"))  # it cannot be back so soon
            for answer in answers:
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
                assert answer.error["message"].startswith("the Dask scheduler at tcp://127.0.0.1:")
                assert answer.error["message"].endswith(" is gone")
                assert "The server is restarting it" in answer.error["hint"]
            await none_is_left(below)
            for model in ("inline", "thread-pool"):
                assert (await client.ask(f"/noop/{model}")).status == 200
            await until(lambda: works(client))
            gauges = await client.gauges("dask")
            assert (gauges["restarted"], gauges["busy"], gauges["queued"]) == (1, 0, 0)
            below = server.below()
        assert await server.stopped() == 0
        await none_is_left(below)
        [line] = server.complaints().splitlines()
        assert "WARNING loadbearing: the Dask scheduler at tcp://127.0.0.1:" in line


@needs_dask
@pytest.mark.thorough
async def test_requests_are_answered_in_time_whenever_the_scheduler_dies() -> None:
    deadline_s = 2.0
    with running(
        *MODELS, "--processes", "2", "--deadline", f"{deadline_s}s", "--loop", "asyncio"
    ) as server:
        async with asking(server) as client:
            statuses: Counter[int] = Counter()
            longest = 0.0

            async def use(path: str) -> None:
                nonlocal longest
                while statuses[503] == 0 or not recovered.is_set():
                    since = monotonic()
                    statuses[(await client.ask(path)).status] += 1
                    longest = max(longest, monotonic() - since)

            recovered = asyncio.Event()
            paths = ["/noop/dask", "/sleep/dask?ms=20", "/count/dask?to=20000"]
            users = [asyncio.create_task(use(paths[number % 3])) for number in range(12)]

            async def busy() -> bool:
                return statuses[200] >= 20

            await until(busy)
            scheduler(server).kill()
            await until(lambda: _back(client))
            recovered.set()
            await asyncio.gather(*users)
            assert set(statuses) <= {200, 500, 503, 504}
            assert longest < deadline_s + 1  # the time to answer past its deadline
            await client.until("dask", busy=0, queued=0)
        assert await server.stopped() == 0


async def _back(client: Client) -> bool:
    return (await client.gauges("dask"))["restarted"] == 1 and await works(client)


@needs_dask
async def test_a_foreign_cluster_may_start_late_and_restart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    with running(*MODELS, "--dask", address, "--deadline", "2s") as server:
        async with asking(server) as client:
            answer = await client.ask("/noop/dask")
            assert answer.status == 503
            assert answer.error["message"].startswith("cannot reach a Dask cluster: ")
            assert address in answer.error["message"]
            assert "the server connects by itself" in answer.error["hint"]
            with foreign(port, server) as cluster:
                await until(lambda: works(client))
                with server.shut():
                    calls = [client.ask("/hold/dask") for _ in range(3)]
                    answers = await asyncio.gather(*calls)
                    assert await asyncio.to_thread(forgets, cluster)
                assert {answer.status for answer in answers} == {504}
                await until(lambda: works(client))
                assert (
                    server.held() == 2
                )  # one for each thread; the third call waited too long, and never ran
                assert (await client.gauges("dask"))["slots"] == 2
            await until(lambda: _refused(client, f"the Dask scheduler at {address} is gone"))
            assert (await client.ask("/noop/thread-pool")).status == 200
            with foreign(port, server) as cluster:
                await until(lambda: works(client))
                assert (await client.gauges("dask"))["restarted"] == 1
                assert await server.stopped() == 0
                assert cluster.poll() is None  # the server must not end it
        late, gone = server.complaints().splitlines()
        assert "WARNING loadbearing: cannot reach a Dask cluster: " in late
        assert f"WARNING loadbearing: the Dask scheduler at {address} is gone." in gone


async def _refused(client: Client, message: str) -> bool:
    answer = await client.ask("/noop/dask")
    return answer.status == 503 and answer.error["message"] == message
