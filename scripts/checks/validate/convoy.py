"""What CPU work does to those who only want an answer of the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from random import Random
from statistics import median

import gevent

from loadtests.load.http import ConnectionPool
from loadtests.load.source import InProcess
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from scripts.checks.validate.bench import PATIENT, Bench
from scripts.checks.validate.case import Case, listed, rising, within
from scripts.checks.validate.load import WARM_UP_S, clients, offer, stages

BUSY = (0, 1, 2, 4)
LONG_COUNT = 2_000_000  # of a call that is long beside the hop to the next one
PROBE_RATE = 40.0
PROBE_S = 1.2
CONVOY_ROUNDS = 3
WORK_MS = 7.0
WORK_RATE = 90.0
BESIDE_S = 4.0
BESIDE_ROUNDS = 3
MODELS = ("process-pool", "thread-pool", "inline")
ANY = Slo(99, 10.0)  # so loose that no trial ends before its time


def convoy(bench: Bench) -> Case:
    """Case 3: p50 of /health grows by about one switch interval with each busy thread."""
    options = ("--threads", str(max(BUSY)), *PATIENT)
    with (
        bench.server("thread-pool", *options) as usual,
        bench.server("thread-pool", *options, "--switch-interval", "0.5ms") as brief,
    ):
        servers = {"5 ms": usual.url, "0.5 ms": brief.url}
        took = {name: {busy: list[float]() for busy in BUSY} for name in servers}
        for _ in range(bench.rounds(CONVOY_ROUNDS)):
            for busy in BUSY:
                for name, url in servers.items():
                    took[name][busy] += _beside(url, busy, bench.seconds(PROBE_S))
    usually, briefly = (
        {f"{busy} busy": 1e3 * median(by_busy[busy]) for busy in BUSY} for by_busy in took.values()
    )
    shorter = [usually[name] / briefly[name] for name in list(usually)[1:]]
    claim = (
        "/health waits for about k switch intervals of k busy threads; a tenth of it: ≥ 3 × less"
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
def working(bench: Bench, *options: str) -> Iterator[tuple[str, str]]:
    """Have a server with three models; gives its address, and a query of 7 ms of CPU work."""
    with bench.server(",".join(MODELS), *options) as server:
        with closing(ConnectionPool(server.url)) as connections:
            ran = median(stages(connections, "/count/inline?to=500000", "ran", 9))
        yield server.url, f"?to={max(1, min(round(500_000 * WORK_MS / ran), 20_000_000))}"


def bystander(bench: Bench) -> Case:
    """Case 9: p99 of /health inline 16–91 ms, threads 15–54, processes 5–20.

    As the ranges of inline and threads overlap, these two may come within 20 % of each other.
    """
    p99: dict[str, list[float]] = {model: [] for model in MODELS}
    with working(bench) as (url, query):
        for turn in range(bench.rounds(BESIDE_ROUNDS)):
            for model in MODELS:
                path = f"/count/{model}{query}"
                with closing(CellLoad(url, ("count", model), path, b"", InProcess())) as hammer:
                    rng = Random(turn)  # noqa: S311 - a schedule, no secret
                    trial = hammer.trial(WORK_RATE, bench.seconds(BESIDE_S), ANY, "poisson", rng)
                p99[model].append(trial.bystander.p99_ms or 1e3 * ANY.bound_s)
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
