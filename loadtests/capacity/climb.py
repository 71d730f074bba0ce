"""Climb the ladder: more and more clients of a real service, each waiting for its answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean
from time import monotonic, process_time
from urllib.parse import urlsplit

import gevent
import psutil

from loadtests.capacity.ladder import Rung, admitted, following, rung
from loadtests.load.http import ConnectionPool
from loadtests.load.request import RequestSpec, outcomes_of
from loadtests.machine.platform import cores
from loadtests.service.process import OwnProcess
from loadtests.service.sampler import busiest, cpu_s, runnable_s
from loadtests.service.serving import polls, serving
from loadtests.trial.admitted import Admitted

WINDOW_S, SETTLE_S = 0.6, 0.15  # of a rung; longer where answers take long:
WINDOW_TIMES, SETTLE_TIMES = 4, 2.5  # as long as so many of them,
LONGEST_S = 4.0  # but no longer
TRIES = 3  # windows: chance breaks Little's law in a short one
BESIDE_S = 0.05  # between two requests beside the clients
BACK_OFF_S = 0.1  # after a wrong answer
END_S, POLL_S = 5.0, 0.01


@dataclass(frozen=True, slots=True)
class Outside:
    """A service that reports nothing of itself: its processes, and what else it answers."""

    subject: OwnProcess | None
    beside: RequestSpec | None = None

    def answering(self, port: int) -> list[psutil.Process]:
        """List those of its processes that hold connections of clients."""
        return serving(self.subject.family(), port) if self.subject else []


@dataclass(frozen=True, slots=True)
class Climbed:
    """The rungs of a ladder, the times of answers on each of them, and what follows."""

    rungs: tuple[Rung, ...]
    times: tuple[tuple[float, ...], ...]
    admitted: Admitted | None


class _Clients:
    """Clients that send their next request as soon as they have an answer."""

    def __init__(self, connections: ConnectionPool, spec: RequestSpec) -> None:
        self._connections = connections
        self._rng = Random(1)  # noqa: S311 - a schedule
        self._requests = connections.template(spec).requests(Random(spec.target))  # noqa: S311
        self._outcome = outcomes_of(spec)
        self._over = False
        self._running: list[gevent.Greenlet[..., None]] = []
        self.answers: list[tuple[float, float]] = []  # ends, and times

    def grow(self, count: int, within_s: float) -> None:
        """Have so many clients; the new ones do not keep step with one another."""
        for _ in range(count - len(self._running)):
            self._running.append(gevent.spawn(self._go, self._rng.random() * within_s))

    def wait(self) -> None:
        """Wait for the first answer, but not for ever."""
        begun = monotonic()
        while not self.answers and monotonic() < begun + END_S:
            gevent.sleep(POLL_S)

    def _go(self, first_s: float, pause_s: float = 0.0) -> None:
        gevent.sleep(first_s)
        while not self._over:
            if not self._ask():
                gevent.sleep(BACK_OFF_S)
            elif pause_s:
                gevent.sleep(pause_s)

    def _ask(self) -> bool:
        begun = monotonic()
        with suppress(OSError):
            status, body = self._connections.reply(next(self._requests), self._connections.ask)
            if self._outcome(status, body) == "ok":
                ended = monotonic()
                self.answers.append((ended, ended - begun))
                return True
        return False

    def beside(self) -> None:
        """Send a request now and then."""
        self._running.append(gevent.spawn(self._go, 0.0, BESIDE_S))

    def mean_s(self, begun: float, ended: float) -> float:
        """Return the mean time of the answers of a window; at least so long if there is none."""
        times = [time for end, time in self.answers if begun <= end <= ended]
        since = self.answers[-1][0] if self.answers else begun
        return fmean(times) if times else ended - min(since, begun)

    def end(self) -> None:
        self._over = True
        gevent.joinall(self._running, timeout=END_S)
        gevent.killall(self._running)
        self._connections.close()


def climb(url: str, request: RequestSpec, outside: Outside, *, insecure: bool = False) -> Climbed:
    """Climb as far as the service goes along; takes 3 to 15 seconds."""

    def clients(spec: RequestSpec) -> _Clients:
        return _Clients(ConnectionPool(url, insecure=insecure), spec)

    crowd, beside = clients(request), outside.beside and clients(outside.beside)
    rungs: list[Rung] = []
    times: list[tuple[float, ...]] = []
    servers, looping = 1, None
    port = urlsplit(url).port or 80
    try:
        if beside:
            beside.beside()
        while count := following(rungs):
            before_s = rungs[-1].response_s if rungs else 0.0
            crowd.grow(count, max(before_s, 0.01))
            gevent.sleep(max(SETTLE_S, min(SETTLE_TIMES * before_s, LONGEST_S)))
            crowd.wait()
            if answering := outside.answering(port):
                servers, looping = max(servers, len(answering)), polls(answering)
            begun = monotonic()
            step = _step(crowd, outside, count, before_s, servers)
            if step is None:
                break
            beside_s = beside.mean_s(begun, monotonic()) if beside else None
            rungs.append(replace(step, beside_s=beside_s))
            times.append(tuple(time for end, time in crowd.answers if end >= begun))
    finally:
        crowd.end()
        if beside:
            beside.end()
    known = admitted(rungs, cores(), servers)
    return Climbed(tuple(rungs), tuple(times), known and replace(known, polls=looping))


def _step(
    crowd: _Clients, outside: Outside, count: int, before_s: float, servers: int
) -> Rung | None:
    """Measure one rung, for longer if chance broke the law; None if nothing was answered."""
    family = outside.subject.family() if outside.subject else []
    window_s = max(WINDOW_S, min(WINDOW_TIMES * before_s, LONGEST_S))
    begun, used, own, ran = monotonic(), cpu_s(family), process_time(), runnable_s(family)
    step, windows = None, 0
    while windows < TRIES or (step is None and monotonic() < begun + END_S):
        gevent.sleep(window_s)
        windows += 1
        ended = monotonic()
        took_s = ended - begun
        step = rung(count, crowd.answers, begun, ended)
        if step is not None and step.lawful:
            break
    if step is None:
        return None
    thread_s = busiest(ran, runnable_s(family), servers)
    return replace(
        step,
        server_cores=(cpu_s(family) - used) / took_s if family else None,
        thread_busy=None if thread_s is None else thread_s / took_s,
        generator_cores=(process_time() - own) / took_s,
    )


def service_times(climbed: Climbed, most: int) -> tuple[float, ...]:
    """Return a sample of the times that requests took which waited for no other."""
    known, rungs = climbed.admitted, climbed.rungs
    free = [
        times
        for step, times in zip(rungs, climbed.times, strict=True)
        if known and step.response_s <= max(known.service_high_s, rungs[0].response_s)
    ]
    chosen: Sequence[float] = sorted(time for times in free or climbed.times[:1] for time in times)
    stride = max(len(chosen) // most, 1)
    return tuple(chosen[stride // 2 :: stride])
