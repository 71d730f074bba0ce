"""The database of orders is built once and completely, and workloads read it correctly."""

import os
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from server.workloads import io, orders


@pytest.fixture
def first_orders(database: None) -> list[tuple[str, str, str, int, int]]:
    """The first orders, read directly, to compute the expected results from."""
    with closing(sqlite3.connect(orders.database_path())) as connection:
        return connection.execute(
            "SELECT customer, country, state, quantity, price_cents FROM orders "
            "WHERE id <= 3000 ORDER BY id"
        ).fetchall()


def test_query_finds_the_country_that_spent_most(
    first_orders: list[tuple[str, str, str, int, int]],
) -> None:
    spent: Counter[str] = Counter()
    for _, country, state, quantity, price in first_orders:
        if state != "cancelled":
            spent[country] += quantity * price
    [(country, revenue)] = spent.most_common(1)
    assert io.query(3000) == {"country": country, "revenue_cents": revenue}


def test_rows_fetches_as_many_as_asked(
    first_orders: list[tuple[str, str, str, int, int]],
) -> None:
    customers = {order[0] for order in first_orders}
    assert io.rows(3000) == {"rows": 3000, "customers": len(customers)}


@pytest.mark.usefixtures("database")
def test_there_are_as_many_orders_as_the_parameter_allows() -> None:
    assert orders.select("SELECT count(*), max(id) FROM orders") == [(orders.ORDERS, orders.ORDERS)]


@pytest.mark.usefixtures("database")
def test_the_database_cannot_be_written_by_a_workload() -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        orders.select("DELETE FROM orders")


def test_builders_at_the_same_time_leave_one_whole_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ORDERS", 20_000)
    path = tmp_path / "new" / "orders.sqlite"
    barrier = threading.Barrier(2)
    failures: list[Exception] = []

    def build() -> None:
        barrier.wait()
        try:
            orders.build_database(path)
        except Exception as failure:  # noqa: BLE001 - reported below
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
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (20_000,)
    written = path.stat().st_mtime_ns
    orders.build_database(path)
    assert path.stat().st_mtime_ns == written


def test_files_of_killed_builders_are_removed_and_those_of_running_ones_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ORDERS", 100)
    path, left, working, stranger = (
        tmp_path / name
        for name in ("orders.sqlite", "orders.sqlite.left", "orders.sqlite.busy", "other.left")
    )
    for file in (left, working, stranger):
        file.write_bytes(b"half")
    for file in (left, stranger):
        os.utime(file, (1, 1))
    orders.build_database(path)
    assert sorted(tmp_path.iterdir()) == [path, working, stranger]


async def test_the_database_is_built_in_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(orders, "ORDERS", 100)
    with pytest.raises(RuntimeError, match=r"no database at .*run this workload in the server"):
        io.query(1)
    async with orders.database():
        assert io.rows(1) == {"rows": 1, "customers": 1}
    assert orders.database_path().parent == tmp_path / "loadbearing"
