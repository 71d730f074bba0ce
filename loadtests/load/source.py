"""Offer a load from this process, and say what became of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic, process_time
from typing import Protocol

import gevent

from loadtests.load.answer import worth_reading
from loadtests.load.http import Call, ConnectionPool, Reply
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.result import LoadResult
from loadtests.load.spec import LOOK_S, LoadSpec, StreamSpec, StreamStarts
from loadtests.load.stream import AHEAD_S, Stream, drain

PROBE_CLIENTS = 64
PROBE_END_S = 10.0  # for their last answers: what they have asked for is no load of a trial

Heard = Callable[[str, Request], None]
Over = Callable[[], None]
Losses = list[int]


def nobody() -> None:
    """Nobody wants to know when a load is over."""


class Source(Protocol):
    """Where load comes from: this process, or several that are told what to offer."""

    @property
    def processes(self) -> int: ...

    def offer(self, order: LoadSpec, over: Over = ...) -> LoadResult: ...

    def saturation(
        self, url: str, path: str, duration_s: float, processes: int | None = None
    ) -> float: ...

    def rest(self) -> None: ...


class InProcess:
    """The process that it is in; `heard` is told of every request that has ended."""

    processes = 1

    def __init__(self, heard: Heard = lambda *_: None) -> None:
        self._heard = heard
        self._url = ""
        self._connections: ConnectionPool | None = None

    def offer(self, order: LoadSpec, over: Over = nobody) -> LoadResult:
        """Offer the whole of it; `over` is called when the load ends, before its last answers."""
        drawn = order.drawn()
        planned = [len(one.measured) for one in drawn]
        zero = monotonic() + AHEAD_S + order.settle_s
        return self.offer_drawn(
            order, drawn, zero, lambda losses: order.lost(planned, losses), over
        )

    def offer_drawn(
        self,
        order: LoadSpec,
        drawn: Sequence[StreamStarts],
        zero: float,
        lost: Callable[[Losses], bool],
        over: Over = nobody,
    ) -> LoadResult:
        """Offer a schedule whose measured window begins at the monotonic time `zero`.

        `lost` is told the losses of each stream until now, again and again: True ends the load.
        """
        both = zip(order.streams, drawn, strict=True)
        streams = [self._stream(order.url, one, starts, zero) for one, starts in both]
        if order.patience_s is None:
            streams[0].wanted = worth_reading(order.slo)
        with _abandoned(streams):
            with undisturbed():
                cpu, begun = process_time(), monotonic()
                for stream in streams:
                    stream.begin(order.patience_s)
                early = _lost_early(streams, zero + order.duration_s, order.slo.bound_s, lost)
                reached = max(monotonic() - zero, LOOK_S) if early else order.duration_s
                for stream in streams:
                    stream.end(early=early)
                over()
                drained = early or drain(streams, order.drain_s)
                cpu_s = process_time() - cpu
                used = cpu_s / (monotonic() - begun)
                answers = tuple(tuple(stream.answers()) for stream in streams)
            drain(streams, order.empty_s)
        reached = min(reached, order.duration_s)
        return LoadResult(answers, used, reached, early, drained, zero, cpu_s)

    def _stream(self, url: str, asked: StreamSpec, drawn: StreamStarts, zero: float) -> Stream:
        def done(one: Request) -> None:
            stream.take(one)
            self._heard(asked.name, one)

        def right(body: bytes) -> bool:
            return bool(body) and asked.expected in body

        generator = OpenLoop(self._to(url), asked.path, right, done)
        stream = Stream(generator, zero, drawn.settling, drawn.measured)
        return stream

    def saturation(
        self, url: str, path: str, duration_s: float, processes: int | None = None
    ) -> float:
        """Answers per second to a closed loop of many clients: a rough guess of the ceiling."""
        return self.probe(url, path, duration_s, PROBE_CLIENTS)

    def probe(self, url: str, path: str, duration_s: float, clients: int) -> float:
        """Answers per second to a closed loop of so many clients."""
        connections, answered, over = self._to(url), 0, False
        calls: dict[int, Call] = {}  # of each client, the latest

        def heard(client: int, said: Reply | OSError) -> None:
            nonlocal answered
            del calls[client]
            if isinstance(said, Reply):  # else this client has had enough
                answered += said.status == 200
                if not over:
                    ask(client)

        def ask(client: int) -> None:
            calls[client] = connections.ask(path, partial(heard, client))

        begun = monotonic()
        for client in range(clients):
            ask(client)
        try:
            gevent.sleep(duration_s)
            rate = answered / (monotonic() - begun)
            over = True
            deadline = monotonic() + PROBE_END_S
            while calls and monotonic() < deadline:
                gevent.sleep(LOOK_S)
        finally:
            over = True
            for call in calls.values():
                call.give_up()
        return rate

    def _to(self, url: str) -> ConnectionPool:
        if self._connections is None or url != self._url:
            self.rest()
            self._url, self._connections = url, ConnectionPool(url)
        return self._connections

    def rest(self) -> None:
        """Close the connections that are kept from one load to the next."""
        if self._connections is not None:
            self._connections.close()
            self._connections = None


def _lost_early(
    streams: Sequence[Stream], end: float, bound_s: float, lost: Callable[[Losses], bool]
) -> bool:
    """Sleep until the end of the load; come back early, with True, once it is lost."""
    while (left := end - monotonic()) > 0:
        gevent.sleep(min(LOOK_S, left))
        if lost([one.lost(bound_s) for one in streams]):
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
def undisturbed() -> Iterator[None]:
    """Let no collection of garbage be a pause in the service's record."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
