"""Measure what one request of a cell costs: alone, and in a crowd that keeps the service busy.

    lone    one client at a time: what a request waits for when nothing contends
    crowd   many clients at a time: what it costs when everything does

Idle micro-benchmarks of CPU time are up to twice too kind, so that comes from the crowd; what a
crowd waits for is mostly itself, so that comes from the lone client.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import gevent

from loadtests.load.answer import Stages, Stamps, read_stamps, stages_of
from loadtests.load.http import ConnectionPool
from loadtests.service.watch import ServiceWatch, evidence
from loadtests.trial.evidence import Evidence
from loadtests.trial.stages import mean

LONE_S = 0.5
LONE_LEAST = 5  # answers, however long they take
CROWD_S = 1.0
RAMP_S = 0.2  # until everybody waits for everybody
MOST_CLIENTS = 64
LEAST_CLIENTS = 8
QUEUE_S = 0.25  # what a crowd may wait for one another, or the service refuses instead of working
BACK_OFF_S = 0.1  # for who was refused
REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was seen of both; `runs` are how long the work took, in seconds, alone."""

    lone: Evidence
    crowd: Evidence
    runs: tuple[float, ...]


@dataclass(slots=True)
class _Heard:
    """What the clients of one load have heard."""

    right: Callable[[bytes], bool]
    answered: int = 0
    read: list[tuple[Stages, Stamps]] = field(default_factory=list)

    def ask(self, connections: ConnectionPool, path: str) -> int:
        begun = monotonic()
        status, body = connections.get(path)
        if status == 200 and self.right(body):
            self.answered += 1
            if said := read_stamps(body):
                self.read.append((stages_of(said, 0.0, monotonic() - begun), said))
        return status


def calibrate(
    url: str, path: str, right: Callable[[bytes], bool], signs: ServiceWatch, bound_s: float
) -> Calibration:
    """Take both measures; two seconds, or five answers if these take longer."""
    connections = ConnectionPool(url)
    try:
        alone = _Heard(right)
        signs.begin()
        begun = monotonic()
        while monotonic() < begun + LONE_S or alone.answered < LONE_LEAST:
            if alone.ask(connections, path) != 200:
                gevent.sleep(BACK_OFF_S)
            if monotonic() > begun + REST_S:
                break
        lone = _evidence(alone, monotonic() - begun, signs, bound_s)
        heard = _Heard(right)
        crowd = _crowd(connections, path, heard, signs, lone)
    finally:
        connections.close()
    return Calibration(lone, crowd, tuple(said.ran for _, said in alone.read))


def _clients(lone: Evidence) -> int:
    """How many it takes to keep all workers busy, and no more than are soon served."""
    alone_s = lone.typical.total if lone.typical else 0.0
    waiting = QUEUE_S / alone_s if alone_s else MOST_CLIENTS
    return min(round(max(LEAST_CLIENTS, 2 * (lone.slots or 0), waiting)), MOST_CLIENTS)


def _crowd(
    connections: ConnectionPool, path: str, heard: _Heard, signs: ServiceWatch, lone: Evidence
) -> Evidence:
    over = False

    def client() -> None:
        with suppress(OSError):
            while not over:
                if heard.ask(connections, path) != 200:
                    gevent.sleep(BACK_OFF_S)

    clients = [gevent.spawn(client) for _ in range(_clients(lone))]
    gevent.sleep(RAMP_S)
    signs.begin()
    heard.answered = 0
    heard.read.clear()
    begun = monotonic()
    gevent.sleep(CROWD_S)
    found = _evidence(heard, monotonic() - begun, signs, lone.bound_s)
    over = True
    gevent.joinall(clients, timeout=REST_S)
    gevent.killall(clients)
    return found


def _evidence(heard: _Heard, took_s: float, signs: ServiceWatch, bound_s: float) -> Evidence:
    """Sum up a load that ends now."""
    answered, read = heard.answered, tuple(heard.read)
    signs.end()
    typical = mean([one for one, _ in read])
    rate = answered / took_s
    load = Evidence(rate, took_s, bound_s, answered, rate, typical=typical)
    return evidence(signs.seen(), load, (said for _, said in read))
