"""The life of a server process: it prints its address, drains, and leaves nothing behind."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.cli import gone, run
from tests.support.server_process import ROOT, Client, Running, asking, running, until

HOLDING = (
    *("thread-per-request", "thread-pool", "process-per-request", "process-pool"),
    *("supervised-process-pool", "async"),
)
TERM, CTRL_C = signal.SIGTERM, signal.SIGINT
ORPHANS_S = 2.0  # guaranteed: no process is left this long after the end of the server

pytestmark = pytest.mark.usefixtures("database")


async def holding(client: Client) -> list["asyncio.Task[int]"]:
    """Start a request under each model that runs until the gate opens, and wait until all run."""

    async def status(model: str) -> int:
        return (await client.ask(f"/hold/{model}")).status

    requests = [asyncio.create_task(status(model)) for model in HOLDING]
    await client.server.begun(len(HOLDING))
    return requests


async def deaf(server: Running) -> None:
    """Wait until the server takes no more connections: it has heard the signal."""

    async def so() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it got the signal while we were connecting
            return False
        writer.close()
        return False

    await until(so)


async def none_is_left(processes: list[psutil.Process]) -> None:
    """Check that all of them end soon."""

    async def none() -> bool:
        return gone(processes)

    async with asyncio.timeout(ORPHANS_S):
        await until(none)


async def test_the_first_line_says_where_and_then_it_is_ready() -> None:
    with running("--models", "inline", module="server") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", server.url)
        async with asking(server) as client:
            assert (await client.ask("/ready")).status == 200
        assert await server.stopped() == 0
        assert server.process.stdout is not None
        assert (server.process.stdout.read(), server.complaints()) == ("", "")


def test_a_taken_port_is_reported_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # With this cache folder, nothing can start.
        ended = run("server", "--port", str(port), XDG_CACHE_HOME=os.devnull)
    assert (ended.code, ended.out) == (1, "")
    [line] = ended.err.splitlines()
    assert line.startswith(f"python -m server: cannot listen on 127.0.0.1:{port}: Address already")
    assert "Choose another --port (0 picks a free one)." in line


@pytest.mark.parametrize("host", ["127.0.0..1", ".", "a" * 64])
def test_a_malformed_host_is_reported_on_one_line(host: str) -> None:
    ended = run("server", "--port", "0", "--models", "inline", "--host", host)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"python -m server: cannot listen on {host}:0: not the name of a host. Choose another "
        "--host or --port.\n"
    )


async def test_where_nothing_can_be_kept_all_but_the_database_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 20)  # too long for the path of a socket
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    with running("--models", "inline,process-pool", "--processes", "1", module="server") as server:
        async with asking(server) as client:
            assert (await client.ask("/primes/process-pool")).status == 200
            assert (await client.ask("/sleep/inline")).status == 200
            about = (await client.ask("/")).json["workloads"]
            for name in ("query", "rows"):
                answer = await client.ask(f"/{name}/inline")
                assert answer.status == 501
                assert "cannot be kept in the user's cache folder" in answer.error["message"]
                assert about[name]["models"] == []
                assert about[name]["impossible"]["inline"] in answer.error["message"]
        assert await server.stopped() == 0
        [line] = server.complaints().splitlines()
        assert "query and rows cannot run: " in line
        assert line.endswith("; set XDG_CACHE_HOME to a folder that can be written")


EARLY = """
import os, signal
from multiprocessing import parent_process
from server.workloads import workload

if server := parent_process():  # a worker that starts
    os.kill(server.pid, signal.SIGINT)
sent = []

def press():  # in the master, once it has forked a server process
    if not sent:
        sent.append(os.kill(os.getpid(), signal.SIGINT))

os.register_at_fork(after_in_parent=press)

@workload(kind="io")
def nothing() -> int:
    return 0
"""


@pytest.mark.parametrize(
    "options",
    [("--start-method", "spawn", "--models", "process-pool"), ("--workers", "2")],
    ids=" ".join,
)
def test_ctrl_c_while_it_starts_ends_it_as_in_a_shell(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "early.py").write_text(EARLY)
    words = ("--workloads", "./early.py", "--models", "inline", "--processes", "1", *options)
    ended = run("server", "--port", "0", *words, directory=tmp_path)
    assert (ended.code, ended.out, ended.err) == (130, "", "")


def test_a_wrong_option_ends_with_2() -> None:
    ended = run("server", "--threads", "many")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("python -m server: --threads (or LOADBEARING_THREADS) 'many'")


@pytest.mark.parametrize(
    ("send", "number", "several", "value"),
    [
        *((os.kill, TERM, "--loop", loop) for loop in ("uvloop", "asyncio")),
        (os.killpg, TERM, "--loop", "uvloop"),  # as systemd and a terminal do: to workers too
        *((os.killpg, CTRL_C, option, "2") for option in ("--threads", "--workers", "--loops")),
    ],
)
async def test_a_signal_lets_running_requests_finish(
    send: Callable[[int, int], None], number: int, several: str, value: str
) -> None:
    with running(several, value, "--deadline", "60s", "--models", ",".join(HOLDING)) as server:
        async with asking(server) as client:
            with server.shut():
                requests = await holding(client)
                below = server.below()
                send(server.pid, number)
                await deaf(server)
                assert not any(request.done() for request in requests)
            assert await asyncio.gather(*requests) == [200] * len(HOLDING)
            assert await server.ended() == 0
        assert server.complaints() == ""
        await none_is_left(below)


@pytest.mark.parametrize(
    "module", ["server.web.app", "server.lifecycle.event_loops", "server.lifecycle.serve"]
)
def test_the_server_loads_only_what_it_needs(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in ended.stdout.split()}
    assert "server" in loaded
    assert not loaded & {"gevent", "locust", "geventhttpclient", "loadtests"}
    assert not loaded & {"distributed", "gunicorn", "prometheus_client"}
