"""CPU work in threads delays the event loop: by a switch interval per thread (the convoy)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median

import gevent

from loadtests.load.http import ConnectionPool
from scripts.checks.validate.case import Case, listed, rising, within
from scripts.checks.validate.load import ANY, WARM_UP_S, clients, offer, stages, trial
from scripts.checks.validate.testbed import PATIENT, Testbed

BUSY = (0, 1, 2, 4)
LONG_COUNT = 2_000_000  # so that a call takes much longer than the hop to the next one
PROBE_RATE = 40.0
PROBE_S = 1.2
CONVOY_ROUNDS = 3
WORK_MS = 7.0
WORK_RATE = 90.0
BESIDE_S = 4.0
BESIDE_ROUNDS = 3
MODELS = ("process-pool", "thread-pool", "inline")


def convoy(testbed: Testbed) -> Case:
    """Case 3: each busy thread adds about one switch interval to p50 of /health."""
    options = ("--threads", str(max(BUSY)), *PATIENT)
    with (
        testbed.server("thread-pool", *options) as usual,
        testbed.server("thread-pool", *options, "--switch-interval", "0.5ms") as brief,
    ):
        servers = {"5 ms": usual.url, "0.5 ms": brief.url}
        took = {name: {busy: list[float]() for busy in BUSY} for name in servers}
        for _ in range(testbed.rounds(CONVOY_ROUNDS)):
            for busy in BUSY:
                for name, url in servers.items():
                    took[name][busy] += _beside(url, busy, testbed.seconds(PROBE_S))
    usually, briefly = (
        {f"{busy} busy": 1e3 * median(by_busy[busy]) for busy in BUSY} for by_busy in took.values()
    )
    shorter = [usually[name] / briefly[name] for name in list(usually)[1:]]
    claim = (
        "/health waits about k switch intervals for k busy threads; with a tenth of it ≥ 3 × less"
    )
    return Case.of(
        "3",
        claim,
        [
            listed(usually, "ms (p50 at 5 ms)"),
            rising(usually),
            listed(briefly, "ms (at 0.5 ms)"),
            within("shorter by", shorter, 3.0),
        ],
    )


def _beside(url: str, busy: int, seconds: float) -> list[float]:
    with clients(url, f"/count/thread-pool?to={LONG_COUNT}", busy):
        gevent.sleep(WARM_UP_S)
        return offer(url, "/health", PROBE_RATE, seconds)


@contextmanager
def working(testbed: Testbed, *options: str) -> Iterator[tuple[str, str]]:
    """Run a server with three models; yields its address, and a query for 7 ms of CPU work."""
    with testbed.server(",".join(MODELS), *options) as server:
        with closing(ConnectionPool(server.url)) as connections:
            ran = median(stages(connections, "/count/inline?to=500000", "ran", 9))
        yield server.url, f"?to={max(1, min(round(500_000 * WORK_MS / ran), 20_000_000))}"


def bystander(testbed: Testbed) -> Case:
    """Case 9: p99 of /health inline 16–91 ms, threads 15–54, processes 5–20.

    As the ranges of inline and threads overlap, these two may come within 20 % of each other.
    """
    p99: dict[str, list[float]] = {model: [] for model in MODELS}
    with working(testbed) as (url, query):
        for turn in range(testbed.rounds(BESIDE_ROUNDS)):
            for model in MODELS:
                path = f"/count/{model}{query}"
                result = trial(url, path, WORK_RATE, testbed.seconds(BESIDE_S), turn)
                p99[model].append(result.bystander.p99_ms or 1e3 * ANY.bound_s)
    processes, threads, inline = (median(p99[model]) for model in MODELS)
    return Case.of(
        "9",
        "/health beside 90/s of 7 ms CPU work, p99: processes < threads < inline",
        [
            listed({"processes": processes, "threads": threads, "inline": inline}, "ms"),
            rising({"processes": processes, "threads": threads}),
            rising({"threads": threads, "inline": inline}, slack=0.2),
            rising({"processes": processes, "inline": inline}),
        ],
    )
