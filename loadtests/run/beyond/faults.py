"""Kill worker processes under an easily sustained load, and measure what clients notice."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from random import Random
from time import monotonic
from typing import Any

import gevent

from loadtests.errors import Unmeasured
from loadtests.load.http import ConnectionPool
from loadtests.load.schedule import Phase
from loadtests.load.spec import SETTLE_S
from loadtests.load.stream import AHEAD_S
from loadtests.run.beyond.goodput import longest_gap_s
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import tally

LOAD = CONSTANTS.faults
EVERY_S = 1.0
WORKER = "worker"
ORIGINS = {WORKER, "fork server"}  # one model has workers only while it works


def run(lab: PeakLab, duration_s: float) -> dict[str, Any]:
    if lab.services.host:
        raise Unmeasured("workers of a service that this run did not start are not killed")
    phases = [Phase(lab.rate(LOAD), duration_s)]

    def attempt(server: LoadedServer) -> tuple[PhasedResult, PhasedResult, list[float]]:
        _need_workers(server)
        before = server.offer(phases)
        with _killing(server) as kills:
            return before, server.offer(phases), kills

    before, hit, kills = lab.valid(attempt)
    if not kills:
        raise Unmeasured(
            "there was no worker process at the times when one should have been killed"
        )
    return {"rate": phases[0].rate, **noticed(before, hit, kills, lab.slo)}


def noticed(
    before: PhasedResult, hit: PhasedResult, kills: list[float], slo: Slo
) -> dict[str, Any]:
    """Compare a load whose workers were killed at these monotonic times with one before."""
    length = hit.duration_s
    kills = [at for at in kills if hit.zero <= at < hit.zero + length]  # not while it drains
    if not kills:
        raise Unmeasured("workers were killed only while the last requests drained")
    undisturbed, disturbed = (tally(load.work, slo, length) for load in (before, hit))
    if not undisturbed.goodput:
        raise Unmeasured("there was no goodput before any worker was killed")
    first = max(0.0, min(kills) - hit.zero)
    return {
        "kills": len(kills),
        "statuses": dict(Counter(str(answer.status or "none") for answer in hit.work)),
        "goodput": disturbed.goodput,
        "undisturbed_goodput": undisturbed.goodput,
        "kept": disturbed.goodput / undisturbed.goodput,
        "longest_gap_s": longest_gap_s(hit.work, first, length, slo),
        "undisturbed_gap_s": longest_gap_s(before.work, 0.0, length, slo),
    }


def _need_workers(server: LoadedServer) -> None:
    with closing(ConnectionPool(server.service.url)) as connections:
        roles = {role for _, role in _processes(connections)}
    if "cluster" in roles:
        raise Unmeasured("the processes of a cluster cannot be distinguished, so none is killed")
    if not roles & ORIGINS:
        raise Unmeasured("a crash would end the server, which has no worker processes")


@contextmanager
def _killing(server: LoadedServer) -> Iterator[list[float]]:
    """Kill a random worker every second after settling; yield the list of times."""
    kills: list[float] = []
    with closing(ConnectionPool(server.service.url)) as connections:
        killer = gevent.spawn(_kill, connections, kills)
        try:
            yield kills
        finally:
            killer.kill()


def _kill(connections: ConnectionPool, kills: list[float]) -> None:
    rng = Random(1)  # noqa: S311 - no secret
    due = monotonic() + AHEAD_S + SETTLE_S
    while True:
        gevent.sleep(max(0.0, due - monotonic()))
        with suppress(OSError):  # it ended by itself, or the service does not answer
            workers = [pid for pid, role in _processes(connections) if role == WORKER]
            if workers:
                os.kill(rng.choice(workers), signal.SIGKILL)
                kills.append(monotonic())
        due += EVERY_S


def _processes(connections: ConnectionPool) -> list[tuple[int, str]]:
    status, body = connections.get("/stats")
    processes = json.loads(body)["processes"] if status == 200 else []
    return [(process["pid"], process["role"]) for process in processes]
