"""Several event loops and their faults: a failed start, a killed process, two signals."""

import asyncio
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.server.lifecycle.test_serve import deaf, ended, none_is_left
from tests.support.prometheus_client import scrape
from tests.support.server_process import PATIENCE_S, ROOT, asking, running, until
from tests.support.several_loops import FEW, SEVERAL, complaints, counted, one_each, serving

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(params=SEVERAL)
def several(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_second_signal_ends_all_loops_at_once(several: str) -> None:
    with serving(several, "uvloop", "--deadline", "60s") as server:
        async with asking(server) as client:
            with server.shut():
                holding = [asyncio.create_task(client.ask("/hold/thread-pool")) for _ in range(4)]
                await server.begun(4)
                below = server.below()
                server.process.terminate()
                await deaf(server)
                server.process.terminate()
                assert await ended(server) == 1
                await none_is_left(below)
            await asyncio.gather(*holding, return_exceptions=True)


async def test_a_killed_master_leaves_no_process_behind() -> None:
    with serving("workers", "uvloop", "--deadline", "60s") as server:
        async with asking(server) as client:
            with server.shut():
                holding = [
                    asyncio.create_task(client.ask(f"/hold/{model}"))
                    for model in ("inline", "thread-pool", "supervised-process-pool")
                ]
                await server.begun(1)
                below = server.below()
                assert len(below) > 6  # two workers, each with a site, a tracker and a pool
                server.process.kill()
                await none_is_left(below)
            await asyncio.gather(*holding, return_exceptions=True)
        await ended(server)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_a_killed_worker_is_replaced_and_counters_never_fall(loop: str) -> None:
    with running("--workers", "2", "--loop", loop, *FEW) as server:
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
        server.process.terminate()
        assert await ended(server) == 0
        [line] = complaints(server)
        assert f"Worker (pid:{victim[0]}) was sent SIGKILL" in line


def test_the_port_of_several_loops_is_taken(several: str) -> None:
    with serving(several, "uvloop") as server:
        port = server.url.rpartition(":")[2]
        ended = subprocess.run(
            [sys.executable, "-m", "server", "--port", port, f"--{several}", "2", *FEW],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in ended.stderr


def test_a_failed_start_gives_the_reason(several: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "server", "--port", "0", f"--{several}", "2", *FEW],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": os.devnull},  # no database can be built in this
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot start" in ended.stderr
    assert "NotADirectoryError" in ended.stderr
