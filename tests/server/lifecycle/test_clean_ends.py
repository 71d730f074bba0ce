"""However the server ends, nothing of it is left, and every accepted request is answered."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import psutil
import pytest

from tests.server.admission.test_hang_up import ENDLESS
from tests.server.lifecycle.test_serve import HOLDING, ORPHANS_S, deaf, none_is_left
from tests.support.bad_clients import heard
from tests.support.server_process import PYTHONS, SHARED, Client, asking, running, until
from tests.support.several_loops import FEW

ASK = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
MODELS = ("thread-pool", "process-per-request", "process-pool", "supervised-process-pool")
ALL = ("--models", ",".join(HOLDING), "--processes", "1", "--deadline", "60s")
WAYS = [("--start-method", method) for method in ("forkserver", "spawn", "fork")]
WAYS += [("--workers", "2"), ("--loops", "2")]
SERVERS = [(sys.executable, way) for way in WAYS] + [(python, WAYS[0]) for python in PYTHONS]
NAMES = [f"{Path(python).parts[-3]}{'='.join(way)}" for python, way in SERVERS]

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the server its own folder for temporary files, whose path is short enough for it."""
    with TemporaryDirectory() as name:
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


async def nothing_is_left(folder: Path, mapped: set[int], besides: str = "") -> None:
    """Wait until neither the folder nor shared memory has anything of a server, but `besides`."""

    async def so() -> bool:
        left = {entry.inode() for entry in os.scandir(SHARED)}
        with os.scandir(folder) as entries:
            others = any(not besides or besides not in entry.name for entry in entries)
        return not others and not mapped & left

    async with asyncio.timeout(ORPHANS_S):
        await until(so)


@pytest.mark.parametrize(
    ("signals", "python", "way"),
    [([signal.SIGKILL], *server) for server in SERVERS]
    + [([signal.SIGTERM] * 2, sys.executable, way) for way in (WAYS[0], WAYS[3])],
    ids=[f"kill-{name}" for name in NAMES] + ["twice", "twice-workers"],
)
async def test_an_abrupt_end_leaves_nothing_behind(
    signals: list[signal.Signals], python: str, way: tuple[str, str], folder: Path
) -> None:
    with running(*ALL, *way, python=python) as server:
        async with asking(server) as client:
            models = await client.started()  # supervised processes are never forked
            for model in [*models] * 2:  # workers that end must not remove what others need
                assert (await client.ask(f"/noop/{model}")).status == 200
            with server.shut():
                requests = []
                for model in models:  # one at a time, because fork is unsafe beside running work
                    hold = client.ask(f"/hold/{model}")
                    requests.append(asyncio.gather(hold, return_exceptions=True))
                    await server.begun(len(requests))
                below, mapped = server.below(), server.mapped()
                assert mapped
                for number in signals:
                    os.kill(server.pid, number)
                    if number == signal.SIGTERM:
                        await deaf(server)
                assert await server.ended() == (1 if len(signals) > 1 else -signal.SIGKILL)
                await none_is_left(below)
                forkserver = way[1] not in {"fork", "spawn"}  # it deletes the server's folder
                await nothing_is_left(folder, mapped, "" if forkserver else "pymp-")
            assert all(isinstance(end, Exception) for [end] in await asyncio.gather(*requests))


@pytest.mark.parametrize(
    "way", [*WAYS[3:], ("--loop", "uvloop"), ("--loop", "asyncio")], ids="=".join
)
async def test_two_signals_end_a_server_whose_loop_is_blocked(way: tuple[str, str]) -> None:
    models = ("--models", "inline,process-pool", "--processes", "1")
    with running(*way, *models, *ENDLESS) as server, server.shut():
        async with asking(server) as client:
            assert (await client.ask("/noop/process-pool")).status == 200
            spinning = asyncio.create_task(client.ask("/spin/inline"))
            await server.begun(1)
            below = server.below()
            os.kill(server.pid, signal.SIGTERM)
            os.kill(server.pid, signal.SIGINT)  # the kernel would merge two equal ones
            assert await server.ended() == 1
            await none_is_left(below)
            await asyncio.gather(spinning, return_exceptions=True)


def forked(process: psutil.Process) -> bool:
    """Whether the parent has the same command line, as a fork server and its workers have."""
    parent = process.parent()
    return parent is not None and parent.cmdline() == process.cmdline()


@pytest.mark.parametrize(
    ("models", "options"),
    [(MODELS[1:], ("--processes", "2")), (("inline",), ("--workers", "2"))],
    ids=["pools", "server processes"],
)
async def test_stopped_and_busy_workers_end_with_a_killed_server(
    models: tuple[str, ...], options: tuple[str, ...]
) -> None:
    async def ask(client: Client, model: str) -> None:
        with suppress(aiohttp.ClientError):  # the server is killed
            await client.ask(f"/hog/{model}")

    named = ("--models", ",".join(models), "--deadline", "60s")
    with running(*named, *options, *ENDLESS) as server:
        async with asking(server) as client:
            calls = [asyncio.create_task(ask(client, model)) for model in models]
            await server.begun(len(models))
            below = server.below()
            workers = list(filter(forked, below))
            assert len(workers) >= 2
            for worker in workers[::2]:
                worker.suspend()
            server.process.kill()
            try:
                await none_is_left(below)
            finally:
                for process in below:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
            await asyncio.gather(*calls)
        await server.ended()


@pytest.mark.parametrize("several", ["--threads", "--workers", "--loops"])
async def test_a_signal_under_load_costs_no_request_that_ran(several: str, folder: Path) -> None:
    with running(*ALL, "--processes", "2", several, "2") as server:
        answered = 0

        async def ask_on(client: Client, model: str, headers: dict[str, str]) -> None:
            nonlocal answered
            with suppress(aiohttp.ClientConnectionError):  # the server has stopped listening
                while True:
                    answer = await client.ask(f"/hold/{model}", headers=headers)
                    assert answer.status == 200
                    answered += 1

        async with asking(server) as client:
            below = server.below()
            how: list[dict[str, str]] = [{}, {"Connection": "close"}] * 2
            requests = [ask_on(client, model, headers) for model in MODELS for headers in how]
            asking_on = asyncio.gather(*requests)
            await server.begun(100)
            mapped = server.mapped()
            assert await server.stopped() == 0
            await asking_on
        assert server.held() == answered
        assert server.complaints() == ""
        await none_is_left(below)
        await nothing_is_left(folder, mapped)


async def test_work_that_still_runs_at_the_end_leaves_no_complaint() -> None:
    models = ("--models", "thread-pool,process-pool", "--processes", "1", "--deadline", "1s")
    with running(*models) as server:
        async with asking(server) as client:
            assert (await client.ask("/sleep/thread-pool?ms=5000")).status == 504
        assert await server.stopped() == 0
        assert server.complaints() == "", "for example of semaphores"


async def test_a_worker_that_is_being_replaced_at_the_end_leaves_no_complaint() -> None:
    models = ("--models", "supervised-process-pool", "--processes", "1", "--deadline", "500ms")
    with running(*models, "--start-method", "spawn") as server:  # which takes longest
        async with asking(server) as client:
            answer = await client.ask("/sleep/supervised-process-pool?ms=5000")
            assert answer.status == 504
        assert await server.stopped() == 0
        assert server.complaints() == ""


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_connections_waiting_at_the_signal_are_answered(loop: str) -> None:
    with running("--loop", loop, *FEW, "--deadline", "60s") as server:
        with server.shut():
            blocking = asyncio.create_task(heard(server, ASK % b"/hold/inline"))
            await server.begun(1)  # so that the event loop accepts no connection
            waiting = [
                asyncio.create_task(heard(server, ASK % b"/noop/thread-pool")) for _ in range(50)
            ]
            address = ("127.0.0.1", server.port)
            last = await asyncio.to_thread(socket.create_connection, address)
            last.close()
            server.process.terminate()
        for answer in await asyncio.gather(blocking, *waiting):
            head = answer.partition(b"\r\n\r\n")[0]
            assert head.startswith(b"HTTP/1.1 200 ")
        assert await server.ended() == 0
        assert server.complaints() == ""


async def test_open_connections_get_a_last_answer(loop: str) -> None:
    with running("--loop", loop, *FEW, "--deadline", "60s") as server:
        with server.shut():
            idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
            for reader, writer in idle:
                writer.write(ASK % b"/health")
                assert b"Connection: close" not in await reader.readuntil(b'{"status": "ok"}\n')
            running_on = asyncio.create_task(heard(server, ASK % b"/hold/thread-pool"))
            await server.begun(1)
            server.process.terminate()
            await deaf(server)
            answers = []
            for (reader, writer), path in zip(idle, (b"/ready", b"/noop/inline"), strict=True):
                writer.write(ASK % path)
                answers.append(await reader.read())
                writer.close()
            assert not running_on.done()
        answers.append(await running_on)
        assert [answer.split(b" ", 2)[1] for answer in answers] == [b"503", b"200", b"200"]
        assert all(b"Connection: close" in answer for answer in answers)
        assert await server.ended() == 0
