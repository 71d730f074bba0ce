"""What happened between two readings of a service follows from its counters."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loadtests.service.stats import LEAST_SAMPLES, delta, read_stats
from tests.support.server_process import asking, running

BOUNDS_S = [0.01, 0.1, 1.0]
LAGS = [0, 0, 0, 0]


def stats(at: float, **changes: Any) -> bytes:
    loop = {"pid": 1, "thread": "MainThread", "cpu_s": 0.5 * at, "lag_counts": LAGS}
    whole = {
        "uptime_s": at,
        "gils": [{"pid": 1, "samples": round(100 * at), "held": round(90 * at)}],
        "loops": [loop],
        "lag_bounds_s": BOUNDS_S,
        "models": {"thread-pool": {"slots": 16, "lost": round(at)}},
    }
    return json.dumps(whole | changes).encode()


def test_shares_are_those_of_the_time_between() -> None:
    change = delta(read_stats(stats(10)), read_stats(stats(12)), "thread-pool")
    assert change.gil == pytest.approx(0.9)
    assert change.loop_cores == pytest.approx(0.5)
    assert (change.slots, change.lost_workers, change.servers, change.loops) == (16, 2, 1, 1)
    assert change.threads == {(1, "MainThread")}


def test_the_lag_is_that_of_the_time_between() -> None:
    after = [95, 5, 0, 0]  # five are late by up to 100 ms
    loop = {"pid": 1, "thread": "MainThread", "cpu_s": 6.0, "lag_counts": after}
    change = delta(read_stats(stats(10)), read_stats(stats(12, loops=[loop])), "thread-pool")
    assert (change.loop_lag_p50_s, change.loop_lag_p99_s) == (0.01, 0.1)


def test_calls_that_do_not_end_are_counted() -> None:
    gauges = ({"slots": 16, "busy": 3}, {"slots": 16, "busy": 9, "abandoned": 4})
    before, after = (
        read_stats(stats(at, models={"thread-pool": known}))
        for at, known in zip((10, 12), gauges, strict=True)
    )
    change = delta(before, after, "thread-pool")
    assert (change.left, change.busy, change.abandoned, change.pools) == (3, 9, 4, {})


def test_few_samples_mean_nothing() -> None:
    few = [{"pid": 1, "samples": 1000 + LEAST_SAMPLES - 1, "held": 900}]
    assert delta(read_stats(stats(10)), read_stats(stats(12, gils=few)), "x").gil is None


def test_a_model_made_of_others_has_the_slots_of_the_busiest() -> None:
    pools = {
        "thread-pool": {"slots": 16, "busy": 1},
        "process-pool": {"slots": 2, "busy": 2, "lost": 3},
        "hybrid": {},
    }
    looks = [read_stats(stats(at, models=pools)) for at in (10, 12)]
    none = {name: {**pool, "lost": 0} for name, pool in pools.items()}
    change = delta(read_stats(stats(8, models=none)), looks[1], "hybrid")
    assert (change.slots, change.lost_workers) == (2, 3)
    assert change.pools == {"thread-pool": (16, 1), "process-pool": (2, 2)}
    assert delta(looks[0], looks[1], "thread-pool").slots == 16


def test_without_a_gil_none_is_held() -> None:
    none = [{"pid": 1, "samples": 0, "held": 0}]
    looks = [read_stats(stats(at, gils=none)) for at in (10, 12)]
    assert delta(looks[0], looks[1], "x").gil == 0.0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"uptime_s": "x"}'])
def test_another_service_reports_nothing(body: bytes) -> None:
    assert read_stats(body) is None
    assert delta(read_stats(body), read_stats(stats(1)), "thread-pool").gil is None
    assert delta(read_stats(stats(1)), None, "thread-pool").slots is None


def test_a_service_may_report_less() -> None:
    bare = [read_stats(json.dumps({"uptime_s": at}).encode()) for at in (1, 2)]
    change = delta(bare[0], bare[1], "thread-pool")
    assert (change.gil, change.loop_cores, change.slots, change.loops) == (None, None, None, 1)


async def test_hybrid_alone_reports_the_pools_that_it_is_made_of(database: None) -> None:
    options = ("--models", "hybrid", "--threads", "5", "--processes", "1")
    with running(*options) as server, server.shut():
        async with asking(server) as client:
            before = read_stats((await client.ask("/stats")).text.encode())
            tasks = [asyncio.create_task(client.ask("/hold/hybrid")) for _ in range(3)]
            await server.begun(3)
            reply = await client.ask("/stats")
            for task in tasks:
                task.cancel()
    pools = reply.json["models"]
    assert set(pools) == {"hybrid", "thread-pool", "process-pool"}
    assert [pools["thread-pool"][name] for name in ("slots", "busy", "queued")] == [5, 3, 0]
    assert [pools["process-pool"][name] for name in ("slots", "busy", "queued")] == [1, 0, 0]
    assert delta(before, read_stats(reply.text.encode()), "hybrid").slots == 5
