"""Measure what one request of a cell costs: alone, and in a crowd that keeps the service busy.

    lone    one client at a time: how long a request waits without contention
    crowd   many clients at a time: what it costs under contention

An idle machine computes up to twice as fast as a busy one, so CPU times come from the crowd.
Clients of a crowd mostly wait for one another, so waits come from the lone client.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import gevent

from loadtests.load.answer import Outcome, Stages, Stamps, read_stamps, stages_of
from loadtests.load.http import ConnectionPool
from loadtests.load.request import RequestSpec, outcomes_of
from loadtests.service.watch import ServiceWatch, evidence
from loadtests.trial.admitted import Admitted
from loadtests.trial.evidence import Evidence
from loadtests.trial.stages import mean

LONE_S = 0.5
LONE_LEAST = 5  # answers, however long they take
CROWD_S = 0.8
RAMP_S = 0.2  # until the clients keep each other waiting
MOST_CLIENTS = 64
LEAST_CLIENTS = 8
QUEUE_S = 0.25  # of waiting in a crowd; with more, a service refuses instead of working
BACK_OFF_S = 0.1  # after a refusal
REST_S = 5.0
CROWDED = 0.75  # of what a crowd can be answered: below that, something else holds it up


@dataclass(frozen=True, slots=True)
class Calibration:
    """What both loads showed."""

    lone: Evidence
    crowd: Evidence
    runs: tuple[float, ...]  # seconds that the work took alone
    clients: int = MOST_CLIENTS  # of the crowd
    admitted: Admitted | None = None  # of a service that reports nothing of itself

    def slower(self, ceiling: float) -> float:
        """How many times as long as the ceiling promises a request kept the service busy.

        1 where that was about as long, or where the crowd was too small to show it.
        """
        alone_s = self.lone.typical.total if self.lone.typical else 0.0
        most = min(ceiling, self.clients / alone_s if alone_s else math.inf)
        reached = self.crowd.completed
        if reached > ceiling / CROWDED:
            return ceiling / reached
        return most / reached if 0 < reached < CROWDED * most else 1.0


@dataclass(slots=True)
class _Replies:
    """Counts and reads the answers to the clients of one load."""

    outcome: Callable[[int, bytes], Outcome]
    answered: int = 0
    read: list[tuple[Stages, Stamps]] = field(default_factory=list)

    def ask(self, connections: ConnectionPool, request: bytes) -> bool:
        """Send a request; returns whether its answer is right."""
        begun = monotonic()
        status, body = connections.reply(request, connections.ask)
        if self.outcome(status, body) != "ok":
            return False
        self.answered += 1
        if times := read_stamps(body):
            self.read.append((stages_of(times, 0.0, monotonic() - begun), times))
        return True


def calibrate(
    url: str, request: RequestSpec, watch: ServiceWatch, bound_s: float, *, insecure: bool = False
) -> Calibration:
    """Measure both; takes two seconds, or longer if five answers do."""
    connections = ConnectionPool(url, insecure=insecure)
    requests = connections.template(request).requests(Random(request.target))  # noqa: S311
    outcome = outcomes_of(request)
    try:
        alone = _Replies(outcome)
        watch.begin()
        begun = monotonic()
        while monotonic() < begun + LONE_S or alone.answered < LONE_LEAST:
            if not alone.ask(connections, next(requests)):
                gevent.sleep(BACK_OFF_S)
            if monotonic() > begun + REST_S:
                break
        lone = _evidence(alone, monotonic() - begun, watch, bound_s)
        clients = _clients(lone)
        crowd = _crowd(connections, requests, _Replies(outcome), watch, lone, clients)
    finally:
        connections.close()
    return Calibration(lone, crowd, tuple(times.ran for _, times in alone.read), clients)


def _clients(lone: Evidence) -> int:
    """How many clients keep all workers busy without waiting too long themselves."""
    alone_s = lone.typical.total if lone.typical else 0.0
    waiting = QUEUE_S / alone_s if alone_s else MOST_CLIENTS
    return min(round(max(LEAST_CLIENTS, 2 * (lone.slots or 0), waiting)), MOST_CLIENTS)


def _crowd(  # noqa: PLR0913, PLR0917 - a load, who counts it, and how large it is
    connections: ConnectionPool,
    requests: Iterator[bytes],
    replies: _Replies,
    watch: ServiceWatch,
    lone: Evidence,
    count: int,
) -> Evidence:
    over = False

    def client() -> None:
        with suppress(OSError):
            while not over:
                if not replies.ask(connections, next(requests)):
                    gevent.sleep(BACK_OFF_S)

    clients = [gevent.spawn(client) for _ in range(count)]
    gevent.sleep(RAMP_S)
    watch.begin()
    replies.answered = 0
    replies.read.clear()
    begun = monotonic()
    gevent.sleep(CROWD_S)
    crowd = _evidence(replies, monotonic() - begun, watch, lone.bound_s)
    over = True
    gevent.joinall(clients, timeout=REST_S)
    gevent.killall(clients)
    return crowd


def _evidence(replies: _Replies, took_s: float, watch: ServiceWatch, bound_s: float) -> Evidence:
    """Sum up a load that ends now."""
    answered, read = replies.answered, tuple(replies.read)
    watch.end()
    typical = mean([times for times, _ in read])
    rate = answered / took_s
    load = Evidence(rate, took_s, bound_s, answered, rate, typical=typical)
    return evidence(watch.activity(), load, (times for _, times in read))
