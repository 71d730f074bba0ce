"""The local site starts with its first reader, and ends with its server, however that ends."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from server.workloads import web

ROOT = Path(__file__).parents[3]
STANDING = """
import asyncio, os
from server.workloads.web import website
async def stand():
    async with website():
        print(os.environ["LOADBEARING_SITE"], flush=True)
        await asyncio.Event().wait()
asyncio.run(stand())
"""


@pytest.fixture
async def _site() -> AsyncIterator[None]:
    async with web.website():
        yield


@pytest.mark.usefixtures("_site")
async def test_download_returns_what_the_site_serves() -> None:
    bodies = await asyncio.to_thread(web.download, 3, 0)
    titles = [re.findall(rb"<h1>(.*)</h1>", body) for body in bodies]
    assert titles == [[b"Page 0"], [b"Page 1"], [b"Page 2"]]
    assert await asyncio.to_thread(web.download, 3, 0) == bodies
    assert await web.download_natively(3, 0) == bodies


@pytest.mark.usefixtures("_site")
async def test_each_page_waits_for_the_delay() -> None:
    started = asyncio.get_running_loop().time()
    await asyncio.to_thread(web.download, 2, 40)
    assert asyncio.get_running_loop().time() - started >= 0.08


async def test_without_the_site_the_error_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="the local site is not running: run this workload in"):
        web.download(1, 0)
    with pytest.raises(RuntimeError, match="the local site is not running: run this workload in"):
        await web.download_natively(1, 0)


async def test_servers_of_one_process_share_the_site_in_any_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(web.SITE, "http://127.0.0.1:1")
    first, second = web.website(), web.website()
    await asyncio.gather(first.__aenter__(), second.__aenter__())
    address = os.environ[web.SITE]
    assert address != "http://127.0.0.1:1"
    await web.download_natively(1, 0)
    await first.__aexit__(None, None, None)
    assert os.environ[web.SITE] == address
    await web.download_natively(1, 0)
    await second.__aexit__(None, None, None)
    assert os.environ[web.SITE] == "http://127.0.0.1:1"
    async with web.website():
        assert await web.download_natively(1, 0) == await asyncio.to_thread(web.download, 1, 0)


async def test_its_process_starts_with_its_first_reader() -> None:
    def started() -> list[psutil.Process]:
        children = psutil.Process().children()
        return [child for child in children if "server.workloads.site" in child.cmdline()]

    async with web.website():
        assert not started()
        await web.download_natively(1, 0)
        [site] = started()
    assert not site.is_running()


async def test_a_site_that_cannot_start_fails_its_readers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", os.devnull)
    async with web.website():
        with pytest.raises(aiohttp.ClientConnectionError):
            await web.download_natively(1, 0)
    [record] = caplog.records
    assert record.getMessage().startswith("cannot start the local site: ")


async def test_the_site_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("raise ImportError('the wrong server')")
    monkeypatch.chdir(tmp_path)
    async with web.website():
        assert len(await web.download_natively(1, 0)) == 1


def test_the_site_ends_with_its_input() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as bound,
        subprocess.Popen(
            [sys.executable, "-m", "server.workloads.site", str(bound.fileno())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=[bound.fileno()],
        ) as site,
    ):
        assert site.stdin is not None
        with socket.create_connection(bound.getsockname(), timeout=20) as connection:
            connection.sendall(b"GET /page/1?delay=no HTTP/1.1\r\nHost: site\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 400"
        site.stdin.close()
        assert site.wait(timeout=20) == 0


def test_the_site_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STANDING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            parent.kill()
            assert _closed(connection)


def _closed(connection: socket.socket) -> bool:
    """Wait until the other side closes, in whatever way."""
    connection.settimeout(20)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
