"""Offer a load from this process, and return its result."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from random import Random
from time import monotonic, process_time
from typing import Protocol

import gevent

from loadtests.load.answer import worth_reading
from loadtests.load.drawn import Template
from loadtests.load.http import Call, ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import RequestSpec, outcomes_of
from loadtests.load.result import LoadResult
from loadtests.load.spec import LOOK_S, LoadSpec, StreamStarts
from loadtests.load.stream import AHEAD_S, Stream, drain

PROBE_CLIENTS = 64
PROBE_END_S = 10.0  # for their last answers: these requests must not be a load of the next trial

Listener = Callable[[str, Request], None]  # the name of a stream, and a request that has ended
OnEnd = Callable[[], None]
Losses = list[int]


def ignore() -> None:
    """Do nothing at the end of a load."""


class Source(Protocol):
    """Where load comes from: this process, or several workers."""

    @property
    def processes(self) -> int: ...

    def offer(self, spec: LoadSpec, on_end: OnEnd = ...) -> LoadResult: ...

    def saturation(
        self, url: str, request: RequestSpec, duration_s: float, processes: int | None = None
    ) -> float: ...

    def rest(self) -> None: ...


class InProcess:
    """Offers load from this process; `listener` is called with each request that has ended."""

    processes = 1

    def __init__(self, listener: Listener = lambda *_: None) -> None:
        self._listener = listener
        self._address = ("", False)
        self._connections: ConnectionPool | None = None

    def offer(self, spec: LoadSpec, on_end: OnEnd = ignore) -> LoadResult:
        """Offer the whole load; `on_end` is called when it ends, before its last answers."""
        drawn = spec.draw()
        planned = [len(stream.measured) for stream in drawn]
        zero = monotonic() + AHEAD_S + spec.settle_s
        return self.offer_drawn(
            spec, drawn, zero, lambda losses: spec.lost(planned, losses), on_end
        )

    def offer_drawn(
        self,
        spec: LoadSpec,
        drawn: Sequence[StreamStarts],
        zero: float,
        lost: Callable[[Losses], bool],
        on_end: OnEnd = ignore,
    ) -> LoadResult:
        """Offer a schedule whose measured window begins at the monotonic time `zero`.

        `lost` is called again and again with the losses of each stream so far: True ends the load.
        """
        streams = [self._stream(spec, number, starts, zero) for number, starts in enumerate(drawn)]
        if spec.patience_s is None:
            streams[0].wanted = worth_reading(spec.slo)
        with _abandoned(streams):
            with undisturbed():
                cpu, begun = process_time(), monotonic()
                for stream in streams:
                    stream.begin(spec.patience_s)
                early = _lost_early(streams, zero + spec.duration_s, spec.slo.bound_s, lost)
                reached = max(monotonic() - zero, LOOK_S) if early else spec.duration_s
                for stream in streams:
                    stream.end(early=early)
                on_end()
                drained = early or drain(streams, spec.drain_s)
                cpu_s = process_time() - cpu
                used = cpu_s / (monotonic() - begun)
                answers = tuple(tuple(stream.answers()) for stream in streams)
            drain(streams, spec.empty_s)
            completed = sum(request.outcome == "ok" for request in streams[0].ended)
        reached = min(reached, spec.duration_s)
        return LoadResult(answers, used, reached, early, drained, zero, cpu_s, completed)

    def _stream(self, spec: LoadSpec, number: int, starts: StreamStarts, zero: float) -> Stream:
        connections, (name, request, *_) = self._to(spec.url, spec.insecure), spec.streams[number]

        def done(ended: Request) -> None:
            stream.take(ended)
            self._listener(name, ended)

        requests = _drawn(connections.template(request), starts, f"{spec.seed}/{number}")
        generator = OpenLoop(connections, request, done, requests)
        stream = Stream(generator, zero, starts.settling, starts.measured)
        return stream

    def saturation(
        self, url: str, request: RequestSpec, duration_s: float, processes: int | None = None
    ) -> float:
        """Answers per second to a closed loop of many clients: a rough guess of the capacity."""
        return self.probe(url, request, duration_s, PROBE_CLIENTS)

    def probe(self, url: str, request: RequestSpec, duration_s: float, clients: int) -> float:
        """Answers per second to a closed loop of that many clients."""
        connections, answered, over = self._to(url), 0, False
        requests = connections.template(request).requests(Random())  # noqa: S311 - no secret
        outcome = outcomes_of(request)
        calls: set[Call] = set()  # the latest of each client

        def ended(call: Call) -> None:
            nonlocal answered
            calls.remove(call)
            if call.failure is None:  # a client that meets an error stops
                answered += outcome(call.status or 0, call.body or b"") == "ok"
                if not over:
                    send()

        def send() -> None:
            call = Call(next(requests), ended)
            calls.add(call)
            connections.ask(call)

        begun = monotonic()
        for _ in range(clients):
            send()
        try:
            gevent.sleep(duration_s)
            rate = answered / (monotonic() - begun)
            over = True
            deadline = monotonic() + PROBE_END_S
            while calls and monotonic() < deadline:
                gevent.sleep(LOOK_S)
        finally:
            over = True
            for call in calls:
                call.give_up()
        return rate

    def _to(self, url: str, insecure: bool = False) -> ConnectionPool:
        if self._connections is None or (url, insecure) != self._address:
            self.rest()
            self._address = url, insecure
            self._connections = ConnectionPool(url, insecure=insecure)
        return self._connections

    def rest(self) -> None:
        """Close the connections that are kept from one load to the next."""
        if self._connections is not None:
            self._connections.close()
            self._connections = None


def _drawn(template: Template, starts: StreamStarts, seed: str) -> Iterator[bytes]:
    """Draw the requests of a stream: the same for all who offer a load of this seed.

    The settling and the measured window each begin anew, so that neither depends on the rate. To
    write a request when it is due takes 2 % of what it takes to send it.
    """

    def part(name: str, count: int) -> Iterator[bytes]:
        rng = Random(f"{seed}/{name}")  # noqa: S311 - no secret
        return islice(template.requests(rng, starts.first, starts.of), count)

    return chain(part("settling", len(starts.settling)), part("measured", len(starts.measured)))


def _lost_early(
    streams: Sequence[Stream], end: float, bound_s: float, lost: Callable[[Losses], bool]
) -> bool:
    """Sleep until the end of the load, or return True as soon as it is lost."""
    while (left := end - monotonic()) > 0:
        gevent.sleep(min(LOOK_S, left))
        if lost([stream.lost(bound_s) for stream in streams]):
            return True
    return False


@contextmanager
def _abandoned(streams: Sequence[Stream]) -> Iterator[None]:
    """Abandon the streams after the block, however it ends."""
    try:
        yield
    finally:
        for stream in streams:
            stream.abandon()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Disable garbage collection, so that its pauses are not charged to the service."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
