"""A closed loop hides a stall (coordinated omission), and an idle server flatters its work."""

from __future__ import annotations

import os
import signal
from contextlib import closing, suppress
from statistics import fmean, median
from time import monotonic

import gevent

from loadtests.load.http import ConnectionPool
from loadtests.trial.tally import percentile_ms
from scripts.checks.validate.case import Case, Finding, remark, within
from scripts.checks.validate.load import END_S, Unanswered, offer, rate, stages, trial
from scripts.checks.validate.testbed import PATIENT, Testbed

STALL_S = 2.0
OFFERED = 300.0
AROUND_S = 4.0  # before and after the stall, so that a fifth of all requests meet it
CLIENTS = 10

LOAD = 0.8
LONE_CALLS = 60
LOADED_S = 4.0
ROUNDS = 3


def omission(testbed: Testbed) -> Case:
    """Case 11: a server that is stopped for 2 s at 300/s, measured by both kinds of load."""
    around = testbed.seconds(AROUND_S)
    with testbed.server("inline") as server:
        closed = sorted(_closed(server.url, server.pid, around))
        opened = offer(
            server.url, "/noop/inline", OFFERED, 2 * around + STALL_S,
            kind="poisson", meanwhile=lambda: _stall(server.pid, around),
        )  # fmt: skip
    findings = [
        _below("a closed loop reports p95", percentile_ms(closed, 95) or 0.0, 100.0),
        within("an open one", [percentile_ms(opened, 95) or 0.0], 1000.0, unit="ms"),
    ]
    claim = "stopped for 2 s at 300/s: a closed loop reports p95 < 100 ms, an open one over 1 s"
    note = f"the closed loop sent {len(closed)} requests, the open one {len(opened)}"
    return Case.of("11", claim, findings, note)


def _below(what: str, value_ms: float, most_ms: float) -> Finding:
    return Finding(f"{what} {value_ms:.3g} ms", value_ms < most_ms, f"< {most_ms:g} ms")


def _stall(pid: int, after_s: float) -> None:
    gevent.sleep(after_s)
    os.kill(pid, signal.SIGSTOP)
    try:
        gevent.sleep(STALL_S)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _closed(url: str, pid: int, around_s: float) -> list[float]:
    """Aim at the same rate with clients that pace themselves, but wait for their answers."""
    took: list[float] = []
    until = monotonic() + 2 * around_s + STALL_S

    def stall() -> None:
        _stall(pid, around_s)

    def client() -> None:
        while (begun := monotonic()) < until:
            connections.get("/noop/inline")
            took.append(monotonic() - begun)
            gevent.sleep(max(0.0, begun + CLIENTS / OFFERED - monotonic()))

    with closing(ConnectionPool(url)) as connections:
        running = [gevent.spawn(client) for _ in range(CLIENTS)]
        running.append(gevent.spawn(stall))
        try:
            gevent.joinall(running, timeout=2 * around_s + END_S, raise_error=True)
        finally:
            gevent.killall(running)
    return took


def optimism(testbed: Testbed) -> Case:
    """Case 12: how long `primes` runs in a process of the pool, alone and at 80 % load."""
    path = "/primes/process-pool"
    lone, loaded, rates = [], [], []
    with (
        testbed.server("process-pool", *PATIENT) as server,
        closing(ConnectionPool(server.url)) as connections,
    ):
        stages(connections, path, "ran", 8)  # warms up
        for turn in range(testbed.rounds(ROUNDS)):
            lone.append(fmean(stages(connections, path, "ran", LONE_CALLS)))
            rates.append(LOAD * rate(server.url, path, CLIENTS, testbed.seconds(2.0)))
            loaded.append(_ran_under_load(server.url, path, rates[-1], testbed, turn))
    ratios = [busy / idle for busy, idle in zip(loaded, lone, strict=True)]
    return Case.of(
        "12",
        "work takes longer under load than in an idle micro-benchmark: 1–2 ×",
        [
            within("longer by", ratios, 1.001, 2.2),
            remark(
                f"{median(lone):.3g} ms alone, {median(loaded):.3g} ms at {median(rates):.0f}/s"
            ),
        ],
    )


def _ran_under_load(url: str, path: str, per_s: float, testbed: Testbed, seed: int) -> float:
    where = trial(url, path, per_s, testbed.seconds(LOADED_S), seed).where
    if where.typical is None:
        raise Unanswered(f"{path} gave no answer in time at {per_s:.0f}/s")
    return 1e3 * where.typical.ran
