"""Run trials of one cell over real HTTP: settle, measure, drain."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from random import Random
from time import monotonic, process_time
from types import MappingProxyType

import gevent

from loadtests.arrivals import Kind
from loadtests.backlog import backlog
from loadtests.connections import Connections
from loadtests.generator import Generator, Sent
from loadtests.passage import Passage, Phase, starts
from loadtests.slo import Slo, loosest
from loadtests.stages import where, worth_reading
from loadtests.stream import AHEAD_S, Stream, drain
from loadtests.tally import Answer, Tally, tally
from loadtests.trial import Trial, hopeless

BYSTANDER_RATE = 60.0  # each second: a p99 within five seconds, and no load worth mentioning
BESIDE_RATE = 30.0  # of each stream that runs along a passage
SETTLE_S = 1.0
LOOK_S = 0.05  # how often a trial is looked at whether it is lost
EMPTY_S = 10.0  # how long a broken trial may keep the service busy after it
PROBE_CLIENTS = 64

Heard = Callable[[str, Sent], None]


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

    def trial(  # noqa: PLR0913  # a load, how it is offered, and who is told of its end
        self,
        rate: float,
        duration_s: float,
        slo: Slo,
        kind: Kind,
        rng: Random,
        *,
        also: Sequence[Slo] = (),
        over: Callable[[], None] = lambda: None,
    ) -> Trial:
        """Offer `rate` after the settling; end early once neither `slo` nor any of `also` holds.

        `over` is called when the load ends, before its last answers are awaited.
        """
        zero = monotonic() + AHEAD_S + SETTLE_S
        work = self._work(zero, [Phase(rate, duration_s)], kind, rng)
        by = self._tiny("bystander", "/health", zero, Phase(BYSTANDER_RATE, duration_s), rng)
        work.wanted = worth_reading(slo)
        streams = (work, by)
        with _abandoned(streams):
            with _undisturbed():
                cpu, begun = process_time(), monotonic()
                for one in streams:
                    one.begin()
                early = _lost_early(streams, zero + duration_s, loosest(slo, *also))
                reached = min(duration_s, max(monotonic() - zero, LOOK_S)) if early else duration_s
                for one in streams:
                    one.end(early=early)
                over()
                drained = early or drain(streams, max(slo.bound_s, 1.0))
                share = (process_time() - cpu) / (monotonic() - begun)
                answers = [one.answers() for one in streams]
            drain(streams, EMPTY_S)
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
            where=where(answers[0], slo, -SETTLE_S, reached),
        )

    def passage(  # noqa: PLR0913  # a load, who offers it how, and what runs beside it
        self,
        phases: Sequence[Phase],
        slo: Slo,
        kind: Kind,
        rng: Random,
        patience_s: float,
        *,
        beside: Mapping[str, str] = MappingProxyType({}),
    ) -> Passage:
        """Offer one phase after the other, whatever becomes of them, after settling at the first.

        Clients hang up `patience_s` after their intended start. `beside` names paths that get a
        few requests all the while.
        """
        zero, length = monotonic() + AHEAD_S + SETTLE_S, sum(phase.duration_s for phase in phases)
        work = self._work(zero, phases, kind, rng)
        by = self._tiny("bystander", "/health", zero, Phase(BYSTANDER_RATE, length), rng)
        others = {
            name: self._tiny(name, path, zero, Phase(BESIDE_RATE, length), rng)
            for name, path in beside.items()
        }
        streams = (work, by, *others.values())
        with _abandoned(streams), _undisturbed():
            cpu, begun = process_time(), monotonic()
            for one in streams:
                one.begin(patience_s)
            gevent.sleep(max(0.0, zero + length - monotonic()))
            for one in streams:
                one.end(early=False)
            drain(streams, patience_s + LOOK_S)
            share = (process_time() - cpu) / (monotonic() - begun)
        along = {name: _measured(one) for name, one in others.items()}
        return Passage(tuple(phases), _measured(work), _measured(by), share, along, zero)

    def _work(self, zero: float, phases: Sequence[Phase], kind: Kind, rng: Random) -> Stream:
        name = f"{self._workload}/{self._model}"
        drawn = starts(phases, SETTLE_S, kind, rng)
        return self._stream(name, self._path, self._right, zero, *drawn)

    def _tiny(self, name: str, path: str, zero: float, phase: Phase, rng: Random) -> Stream:
        return self._stream(name, path, bool, zero, *starts([phase], SETTLE_S, "uniform", rng))

    def _stream(
        self,
        name: str,
        path: str,
        right: Callable[[bytes], bool],
        zero: float,
        *starts: list[float],
    ) -> Stream:
        def done(one: Sent) -> None:
            stream.take(one)
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


def _measured(stream: Stream) -> tuple[Answer, ...]:
    return tuple(answer for answer in stream.answers() if answer.intended_s >= 0)


def _lost_early(streams: tuple[Stream, ...], end: float, slo: Slo) -> bool:
    """Sleep until the end of the trial; come back early, with True, once it cannot hold."""
    while (left := end - monotonic()) > 0:
        gevent.sleep(min(LOOK_S, left))
        if any(hopeless(one.planned, one.lost(slo.bound_s), slo) for one in streams):
            return True
    return False


@contextmanager
def _abandoned(streams: Sequence[Stream]) -> Iterator[None]:
    """Let nothing of them go on after the block, whatever has ended it."""
    try:
        yield
    finally:
        for one in streams:
            one.abandon()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no collection of garbage be a pause in the service's record."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
