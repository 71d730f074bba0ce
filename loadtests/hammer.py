"""Run trials of one cell over real HTTP: settle, measure, drain."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from random import Random
from time import monotonic, process_time

import gevent

from loadtests.arrivals import SCHEDULES, Kind
from loadtests.backlog import backlog
from loadtests.connections import Connections
from loadtests.generator import Generator, Sent
from loadtests.slo import Slo
from loadtests.tally import Answer, Tally, tally
from loadtests.trial import Trial, hopeless

BYSTANDER_RATE = 60.0  # each second: a p99 within five seconds, and no load worth mentioning
SETTLE_S = 1.0
AHEAD_S = 0.05  # between the drawing of a schedule and its first arrival
LOOK_S = 0.05  # how often a trial is looked at whether it is lost
EMPTY_S = 10.0  # how long a broken trial may keep the service busy after it
PROBE_CLIENTS = 64

Heard = Callable[[str, Sent], None]


class Stream:
    """One schedule of requests within a trial, and what becomes of each of them.

    `zero` is the monotonic time at which the measured window begins.
    """

    def __init__(
        self, generator: Generator, zero: float, settling: list[float], measured: list[float]
    ) -> None:
        self.generator = generator
        self.zero = zero
        self.planned = len(measured)
        self.ended: list[Sent] = []
        self._starts = iter(zero + start for start in chain(settling, measured))
        self._loop: gevent.Greenlet[..., None] | None = None

    def begin(self) -> None:
        self._loop = gevent.spawn(self.generator.offer, self._starts)

    def end(self, *, early: bool) -> None:
        """Offer no more. Arrivals that a late generator had not come to count as never sent."""
        if self._loop:
            self._loop.join(0 if early else AHEAD_S)
            self._loop.kill()
        if not early:
            self.ended.extend(Sent(start) for start in self._starts)

    def lost(self, bound_s: float) -> int:
        """Count the losses of the measured window so far, overdue requests included."""
        now = monotonic()
        return sum(
            one.intended >= self.zero
            and (one.outcome != "ok" or (one.ended or now) - one.intended > bound_s)
            for one in self.ended
        ) + sum(self.zero <= one.intended < now - bound_s for one in self.generator.flying)

    def answers(self) -> list[Answer]:
        """What became of all requests until now, in seconds since the window began."""
        return [
            Answer(
                one.intended - self.zero,
                None if one.sent is None else one.sent - self.zero,
                None if one.ended is None else one.ended - self.zero,
                one.outcome,
            )
            for one in (*self.ended, *self.generator.flying)
        ]


class Hammer:
    """Offers load to one cell of one service; `heard` is told of every request that has ended."""

    def __init__(
        self,
        url: str,
        cell: tuple[str, str],
        path: str,
        right: Callable[[bytes], bool],
        heard: Heard,
    ) -> None:
        self._connections = Connections(url)
        self._workload, self._model = cell
        self._path = path
        self._right = right
        self._heard = heard

    def trial(self, rate: float, duration_s: float, slo: Slo, kind: Kind, rng: Random) -> Trial:
        """Offer `rate` for `duration_s` after the settling; end early once it cannot hold."""
        zero = monotonic() + AHEAD_S + SETTLE_S

        def starts(rate: float, kind: Kind) -> tuple[list[float], list[float]]:
            draw = SCHEDULES[kind]
            return [at - SETTLE_S for at in draw(rate, SETTLE_S, rng)], draw(rate, duration_s, rng)

        name = f"{self._workload}/{self._model}"
        work = self._stream(name, self._path, self._right, zero, *starts(rate, kind))
        by = self._stream("bystander", "/health", bool, zero, *starts(BYSTANDER_RATE, "uniform"))
        streams = (work, by)
        gc.collect()
        gc.disable()  # a collection in the generator would be a pause in the service's record
        try:
            cpu, begun = process_time(), monotonic()
            for one in streams:
                one.begin()
            early = _lost_early(streams, zero + duration_s, slo)
            reached = min(duration_s, max(monotonic() - zero, LOOK_S)) if early else duration_s
            for one in streams:
                one.end(early=early)
            drained = early or _drain(streams, max(slo.bound_s, 1.0))
            share = (process_time() - cpu) / (monotonic() - begun)
            answers = [one.answers() for one in streams]
        finally:
            gc.enable()
        _drain(streams, EMPTY_S)
        for one in streams:
            one.generator.abandon()
        tallies: list[Tally] = [tally(one, slo, reached, short=early) for one in answers]
        return Trial(
            workload=self._workload,
            model=self._model,
            rate=rate,
            duration_s=reached,
            work=tallies[0],
            bystander=tallies[1],
            backlog=backlog(answers[0], slo, reached),
            drained=drained,
            generator_cpu=share,
            short=early,
        )

    def _stream(
        self,
        name: str,
        path: str,
        right: Callable[[bytes], bool],
        zero: float,
        *starts: list[float],
    ) -> Stream:
        def done(one: Sent) -> None:
            stream.ended.append(one)
            self._heard(name, one)

        stream = Stream(Generator(self._connections, path, right, done), zero, *starts)
        return stream

    def saturation(self, duration_s: float, path: str | None = None) -> float:
        """Answers per second to a closed loop of many clients: a rough guess of the ceiling."""
        answered, over = 0, False

        def client() -> None:
            nonlocal answered
            with suppress(OSError):
                while not over:
                    reply = self._connections.get(path or self._path)
                    answered += reply.status == 200  # after the wait: others count meanwhile

        begun = monotonic()
        clients = [gevent.spawn(client) for _ in range(PROBE_CLIENTS)]
        gevent.sleep(duration_s)
        rate = answered / (monotonic() - begun)
        over = True
        gevent.joinall(clients, timeout=EMPTY_S)  # what they have asked for is no load of a trial
        gevent.killall(clients)
        return rate

    def close(self) -> None:
        self._connections.close()


def _lost_early(streams: tuple[Stream, ...], end: float, slo: Slo) -> bool:
    """Sleep until the end of the trial; come back early, with True, once it cannot hold."""
    while (left := end - monotonic()) > 0:
        gevent.sleep(min(LOOK_S, left))
        if any(hopeless(one.planned, one.lost(slo.bound_s), slo) for one in streams):
            return True
    return False


def _drain(streams: tuple[Stream, ...], wait_s: float) -> bool:
    deadline = monotonic() + wait_s
    left = [one.generator.drain(max(0.0, deadline - monotonic())) for one in streams]
    return all(left)
