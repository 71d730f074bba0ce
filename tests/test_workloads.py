"""Workloads do the work that they claim, and what they need comes and goes with them."""

import ast
import asyncio
import hashlib
import os
import pickle
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import annotated_types
import pytest

from server.workloads import REGISTRY, Payload, cpu, io, mixed

ROOT = Path(__file__).parents[1]
OURS = [
    entry for entry in REGISTRY.values() if entry.function.__module__.startswith("server.workloads")
]
STANDING = """
import asyncio, os, signal
from server.workloads.io import website
async def stand():
    async with website():
        print(os.environ["LOADBEARING_SITE"], flush=True)
        await asyncio.Event().wait()
asyncio.run(stand())
"""


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv(io.SITE, raising=False)
        yield


@pytest.fixture
async def _site() -> AsyncIterator[None]:
    async with io.website():
        yield


@pytest.fixture
async def _database() -> AsyncIterator[None]:
    async with io.database():
        yield


def _orders(count: int) -> list[tuple[str, str, str, int, int]]:
    """Read the first orders the plain way, to compute from them what the workloads must say."""
    with closing(sqlite3.connect(io.database_path())) as connection:
        everything = connection.execute(
            "SELECT customer, country, state, quantity, price_cents FROM orders ORDER BY id"
        ).fetchall()
    assert len(everything) == io.ORDERS
    return everything[:count]


def _closed(connection: socket.socket) -> bool:
    """Wait until the other end goes away, however it goes."""
    connection.settimeout(20)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(("below", "count"), [(0, 0), (2, 0), (3, 1), (100, 25), (1000, 168)])
def test_primes(below: int, count: int) -> None:
    assert cpu.primes(below) == {"count": count}


def test_count() -> None:
    assert cpu.count(1000) == {"counted": 1000}


def test_montecarlo_comes_near_pi_and_repeats_with_its_seed() -> None:
    first = cpu.montecarlo(50_000, seed=3)
    assert first["pi"] == pytest.approx(3.1416, abs=0.05)
    assert cpu.montecarlo(50_000, seed=3) == first
    assert cpu.montecarlo(50_000, seed=4) != first


@pytest.mark.parametrize("kib", [1, 64, 1024, 2049])
def test_sha256_hashes_as_much_as_it_says(kib: int) -> None:
    data = (cpu.TEXT * 3)[: kib * 1024]
    assert len(data) == kib * 1024
    assert cpu.sha256(kib) == {"digest": hashlib.sha256(data).hexdigest()[:16]}


@pytest.mark.parametrize("kib", [1, 64, 1025])
def test_compress_packs_real_text(kib: int) -> None:
    data = (cpu.TEXT * 2)[: kib * 1024]
    result = cpu.compress(kib)
    packed = zlib.compress(data)
    assert zlib.decompress(packed) == data
    assert result["bytes"] == len(data)
    assert result["compressed"] == pytest.approx(len(packed), rel=0.01)
    assert 0.2 < result["compressed"] / result["bytes"] < 0.7


def test_text_is_as_hard_to_compress_as_if_it_did_not_repeat() -> None:
    once = len(zlib.compress(cpu.TEXT[: 64 * 1024]))
    # Had zlib seen the repetition, all sixteen blocks would take little more than one.
    assert len(zlib.compress(cpu.TEXT)) > 14 * once


def test_echo_returns_what_it_gets() -> None:
    payload = Payload(os.urandom(1024))
    assert cpu.echo(payload) == payload
    assert len(cpu.echo()) == 64 * 1024
    carried = pickle.loads(pickle.dumps(payload))
    assert isinstance(carried, Payload)
    assert carried == payload


def test_file_reads_back_what_it_wrote_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert io.file(65) == {"bytes": 65 * 1024, "intact": True}
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        io.file(1)


@pytest.mark.usefixtures("_database")
def test_query_finds_the_country_that_spent_most() -> None:
    spent: Counter[str] = Counter()
    for _, country, state, quantity, price in _orders(3000):
        if state != "cancelled":
            spent[country] += quantity * price
    [(country, revenue)] = spent.most_common(1)
    assert io.query(3000) == {"country": country, "revenue_cents": revenue}


@pytest.mark.usefixtures("_database")
def test_rows_fetches_as_many_as_asked() -> None:
    customers = {order[0] for order in _orders(3000)}
    assert io.rows(3000) == {"rows": 3000, "customers": len(customers)}
    assert io.rows(io.ORDERS)["rows"] == io.ORDERS


@pytest.mark.usefixtures("_database")
def test_the_database_cannot_be_written_by_a_workload() -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        io._select("DELETE FROM orders")


def test_builders_at_the_same_time_leave_one_whole_database(tmp_path: Path) -> None:
    path = tmp_path / "new" / "orders.sqlite"
    barrier = threading.Barrier(2)
    failures: list[Exception] = []

    def build() -> None:
        barrier.wait()
        try:
            io.build_database(path)
        except Exception as failure:  # noqa: BLE001 - told to the test below
            failures.append(failure)

    builders = [threading.Thread(target=build) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert failures == []
    assert list(path.parent.iterdir()) == [path]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (io.ORDERS,)
    written = path.stat().st_mtime_ns
    io.build_database(path)
    assert path.stat().st_mtime_ns == written


async def test_the_database_comes_into_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"no database at .*run this workload in the server"):
        io.query(1)
    async with io.database():
        assert io.rows(1) == {"rows": 1, "customers": 1}
    assert io.database_path().parent == tmp_path / "loadbearing"


@pytest.mark.usefixtures("_site")
async def test_fetch_downloads_what_the_site_serves() -> None:
    bodies = await asyncio.to_thread(io.download, 3, 0)
    assert [re.findall(rb"<h1>(.*)</h1>", body) for body in bodies] == [
        [b"Page 0"],
        [b"Page 1"],
        [b"Page 2"],
    ]
    result = await asyncio.to_thread(io.fetch, 3, 0)
    assert result == {"pages": 3, "bytes": sum(map(len, bodies))}
    assert await asyncio.to_thread(io.download, 3, 0) == bodies


@pytest.mark.usefixtures("_site")
async def test_each_page_waits_for_the_delay() -> None:
    started = asyncio.get_running_loop().time()
    await asyncio.to_thread(io.fetch, 2, 40)
    assert asyncio.get_running_loop().time() - started >= 0.08


@pytest.mark.usefixtures("_site")
async def test_scrape_counts_what_is_in_the_pages() -> None:
    bodies = await asyncio.to_thread(io.download, 2, 0)
    links = re.findall(rb'href="([^"]*)"', b"".join(bodies))
    words = b" ".join(re.sub(rb"<[^>]*>", b" ", body) for body in bodies).split()
    result = await asyncio.to_thread(mixed.scrape, 2, 0)
    assert result["links"] == len(links) > 100
    assert result["distinct"] == len(set(links)) < len(links)
    assert result["words"] == len(words)


@pytest.mark.usefixtures("_site", "_database")
@pytest.mark.parametrize("name", sorted(entry.name for entry in OURS))
async def test_stages_and_twin_give_the_result_of_the_function(name: str) -> None:
    entry = REGISTRY[name]
    expected = await asyncio.to_thread(entry.function)
    first, *later = (stage for _, stage in entry.stages)
    result = await asyncio.to_thread(first, **_defaults(name))
    for stage in later:
        result = stage(result)
    assert result == expected
    if entry.native is not None:
        assert await entry.native() == expected
        assert await entry.native(**_defaults(name)) == expected


def _defaults(name: str) -> dict[str, object]:
    function = REGISTRY[name].function
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return dict(zip(names, function.__defaults__ or (), strict=True))


def test_every_twin_is_where_the_design_says() -> None:
    twins = {entry.name for entry in OURS if entry.native}
    assert twins == {"sleep", "fetch", "scrape", "echo", "noop"}


@pytest.mark.parametrize("name", sorted(entry.name for entry in OURS))
def test_functions_pickle_by_reference(name: str) -> None:
    entry = REGISTRY[name]
    for function in (entry.function, *(stage for _, stage in entry.stages)):
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("name", sorted(entry.name for entry in OURS))
def test_every_parameter_says_what_it_means_and_allows(name: str) -> None:
    entry = REGISTRY[name]
    assert entry.doc.endswith(".")
    parameters = {
        parameter: note
        for parameter, note in entry.function.__annotations__.items()
        if parameter != "return"
    }
    assert set(parameters) == set(_defaults(name))
    for parameter, note in parameters.items():
        kinds = {type(item): item for item in note.__metadata__}
        assert annotated_types.DocInfo in kinds
        interval = kinds[annotated_types.Interval]
        default = _defaults(name)[parameter]
        size = len(default) // 1024 if isinstance(default, Payload) else default
        assert interval.ge <= size <= interval.le


def test_workers_import_nothing_beyond_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "annotated_types", "server"}
    for path in (ROOT / "server" / "workloads").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] in allowed


async def test_a_workload_without_its_site_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="the local site is not running: run this workload in"):
        io.fetch(1, 0)
    with pytest.raises(RuntimeError, match="the local site is not running: run this workload in"):
        await io.fetch_natively(1, 0)


async def test_servers_of_one_process_share_the_site_in_any_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(io.SITE, "http://127.0.0.1:1")
    first, second = io.website(), io.website()
    await asyncio.gather(first.__aenter__(), second.__aenter__())
    address = os.environ[io.SITE]
    assert address != "http://127.0.0.1:1"
    await io.fetch_natively(1, 0)
    await first.__aexit__(None, None, None)
    assert os.environ[io.SITE] == address
    await io.fetch_natively(1, 0)
    await second.__aexit__(None, None, None)
    assert os.environ[io.SITE] == "http://127.0.0.1:1"
    async with io.website():
        assert await io.fetch_natively(1, 0) == await asyncio.to_thread(io.fetch, 1, 0)


async def test_the_site_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("raise ImportError('the wrong server')")
    monkeypatch.chdir(tmp_path)
    async with io.website():
        assert (await io.fetch_natively(1, 0))["pages"] == 1


def test_the_site_ends_with_its_input_and_ignores_ctrl_c() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "server.site"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as site:
        assert site.stdin is not None
        assert site.stdout is not None
        port = int(site.stdout.readline())
        site.send_signal(signal.SIGINT)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"GET /page/1?delay=no HTTP/1.1\r\nHost: site\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 400"
        site.stdin.close()
        assert site.wait(timeout=20) == 0


def test_the_site_goes_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STANDING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            parent.kill()
            assert _closed(connection)
