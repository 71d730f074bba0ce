"""The Dask model on its own cluster: errors, crashes, and ends that leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from glob import glob
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from server.models.dask import local_cluster
from server.models.dask.model import Dask
from server.settings import Settings
from tests.server.lifecycle.test_serve import none_is_left
from tests.support.server_process import PATIENCE_S, ROOT, Client, Running, asking, running

needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="needs distributed")
MODELS = ("--models", "dask,inline,thread-pool")
RETIRING = """
import sys
from distributed import Client
with Client(sys.argv[1]) as client:
    client.retire_workers(list(client.nthreads()))
    print(client.submit(abs, -3).result(timeout=20))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(*MODELS, "--processes", "2", "--deadline", "60s") as server:
        yield server


def scheduler(server: Running) -> psutil.Process:
    children = psutil.Process(server.pid).children()
    module = "server.models.dask.local_cluster"
    [cluster] = [process for process in children if module in process.cmdline()]
    return cluster


def workers(server: Running) -> set[int]:
    pids = set()
    for process in scheduler(server).children():
        with suppress(psutil.Error):  # it has just died
            if "--multiprocessing-fork" in process.cmdline():
                pids.add(process.pid)
    return pids


async def works(client: Client) -> bool:
    return (await client.ask("/noop/dask")).status == 200


def test_without_distributed_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    why = Dask.missing(Settings(_cli_parse_args=[]))
    assert why == "it needs distributed: pip install 'loadbearing[dask]'"


def test_dask_is_loaded_only_when_it_is_started() -> None:
    code = (
        "import sys; from server.web.app import build; from server.settings import Settings\n"
        "build(Settings(models=('dask',))); print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ended.stdout.split()}
    assert "server" in loaded
    assert not loaded & {"dask", "distributed", "tornado"}


@needs_dask
async def test_the_same_call_again_runs_again(client: Client) -> None:
    ran = [(await client.ask("/sleep/dask?ms=20")).json["ms"]["ran"] for _ in range(2)]
    assert all(ms >= 20 for ms in ran)


@needs_dask
@pytest.mark.measures  # on busy cores a nanny starts too slowly
async def test_work_whose_worker_is_killed_runs_again(client: Client) -> None:
    before = await client.gauges("dask")
    with client.server.shut():
        call = asyncio.create_task(client.ask("/hold/dask"))
        await client.server.begun(1)
        for pid in workers(client.server):
            os.kill(pid, signal.SIGKILL)
        await client.server.begun(2)  # on a worker that replaced a dead one
    assert (await call).status == 200
    after = await client.gauges("dask")
    assert after == {**before, "lost": before["lost"] + 1}


@needs_dask
async def test_work_that_kills_its_workers_is_tried_twice_and_no_more(client: Client) -> None:
    before = await client.gauges("dask")
    answer = await client.ask("/die/dask")
    assert answer.status == 500
    assert answer.error["message"].startswith("the worker died under this request, and so did the")
    assert await works(client)
    assert (await client.gauges("dask"))["lost"] == before["lost"] + 2


@needs_dask
async def test_a_nanny_that_gives_up_is_replaced() -> None:
    async with local_cluster.cluster(1) as address:
        command = [sys.executable, "-c", RETIRING, address]
        output = await asyncio.to_thread(subprocess.check_output, command, timeout=PATIENCE_S)
    assert output == b"3\n"


@needs_dask
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
async def test_no_process_and_no_file_remains_however_the_server_ends(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running("--models", "dask", "--processes", "1", "--deadline", "60s") as server:
        async with asking(server) as client:
            assert await works(client)
            [folder] = glob(f"{tmp_path}/loadbearing-dask-*")  # noqa: PTH207
            below = server.below()
            os.killpg(server.pid, number) if number == signal.SIGINT else server.process.kill()
            assert await server.ended() == (0 if number == signal.SIGINT else -number)
        await none_is_left(below)
        assert not os.path.exists(folder)  # noqa: ASYNC240, PTH110
        assert server.complaints() == ""
