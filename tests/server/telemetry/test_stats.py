"""`/stats`: what is happening, and sums whose differences are the costs of a period."""

from collections.abc import Iterator
from typing import Any

import pytest

from server.telemetry.counts import BOUNDS_S
from server.telemetry.gil import counter_of_sleeps
from server.web.answers import Statistics
from tests.support.prometheus_client import scrape
from tests.support.server_process import Client, Running, until
from tests.support.several_loops import SEVERAL, one_each, serving


async def test_stats_count_what_happens(client: Client) -> None:
    # The first call starts a worker; another test may have ended one just now.
    assert (await client.ask("/noop/process-pool")).status == 200
    assert (await client.ask("/fetch/thread-pool")).status == 200  # starts the site

    async def complete() -> bool:
        processes = (await client.ask("/stats")).json["processes"]
        return {"site", "fork server", "worker"} <= {process["role"] for process in processes}

    await until(complete)
    stats = (await client.ask("/stats")).json
    Statistics.model_validate(stats)
    lag = stats["loop_lag_ms"]
    assert 0 <= lag["p50"] <= lag["p99"] <= lag["max"]
    assert set(stats["models"]) == await client.started()
    pool = stats["models"]["thread-pool"]
    assert list(pool) == [
        *("slots", "busy", "queued", "abandoned", "refused", "expired", "cancelled"),
        *("restarted", "lost"),
    ]
    assert (pool["slots"], pool["busy"], pool["queued"]) == (4, 0, 0)
    by_role: dict[str, list[Any]] = {}
    for process in stats["processes"]:
        by_role.setdefault(process["role"], []).append(process)
    assert [process["pid"] for process in by_role["server"]] == [client.server.pid]
    assert {"site", "fork server", "worker"} < by_role.keys()
    later = (await client.ask("/stats")).json
    assert later["uptime_s"] > stats["uptime_s"]


def never_falls(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check the sums of two readings of a service, none of whose processes ended in between."""
    for first, second in zip(before["loops"], after["loops"], strict=True):
        assert (first["pid"], first["thread"]) == (second["pid"], second["thread"])
        assert 0 < first["cpu_s"] <= second["cpu_s"]
        assert len(first["lag_counts"]) == len(second["lag_counts"]) == len(BOUNDS_S) + 1
        pairs = zip(first["lag_counts"], second["lag_counts"], strict=True)
        assert all(0 <= earlier <= later for earlier, later in pairs)
    later_gils = {gil["pid"]: gil for gil in after["gils"]}
    for gil in before["gils"]:
        assert 0 <= gil["held"] <= gil["samples"] <= later_gils[gil["pid"]]["samples"]
        assert gil["held"] <= later_gils[gil["pid"]]["held"]


async def test_sums_never_fall(client: Client) -> None:
    first = (await client.ask("/stats")).json
    assert first["lag_bounds_s"] == list(BOUNDS_S)

    async def grown() -> bool:
        later = (await client.ask("/stats")).json
        never_falls(first, later)
        [before], [after] = first["loops"], later["loops"]
        timers = sum(after["lag_counts"]) - sum(before["lag_counts"])
        return bool(before["cpu_s"] < after["cpu_s"] and timers > 0)

    await until(grown)


@pytest.fixture(scope="module", params=SEVERAL)
def service(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(request.param, "uvloop") as started:
        yield started


@pytest.mark.skipif(counter_of_sleeps() is None, reason="this system does not tell")
async def test_each_server_process_reports_its_gil_once(service: Running) -> None:
    async with one_each(service) as clients:
        pids = sorted({pid for pid, _ in clients})
        first, other = clients.values()

        async def complete() -> bool:
            stats = (await first.ask("/stats")).json
            never_falls(stats, (await other.ask("/stats")).json)
            assert len(stats["loops"]) == 2
            return sorted(gil["pid"] for gil in stats["gils"]) == pids

        await until(complete)
    metrics = await scrape(service)
    assert metrics.total("loadbearing_gil_samples_total") >= len(pids)
    assert metrics.value("loadbearing_loop_cpu_seconds_total") > 0
