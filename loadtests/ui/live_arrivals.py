"""Arrivals at a rate that may change, until they are closed."""

from __future__ import annotations

import time
from itertools import cycle
from random import Random
from time import monotonic

import gevent
from gevent.event import Event

from loadtests.load.arrivals import gaps
from loadtests.load.open_loop import OpenLoop


class LiveArrivals:
    """One arrival process over some generators in turn; its rate may change while it runs.

    The arrivals of several processes have independent seeds, so together they are Poisson too;
    evenly spaced ones interleave: each keeps its own place between the others, by the wall clock.
    """

    def __init__(
        self, generators: list[OpenLoop], kind: str, rng: Random, place: float = 0.0
    ) -> None:
        self._turns = cycle(generators)
        self._generators = generators
        self._gaps = gaps("uniform" if kind == "uniform" else "poisson", rng)
        self._place = place if kind == "uniform" else None
        self._rate = 0.0
        self._changed = Event()
        self._loop = gevent.spawn(self._run)

    def add(self, rate: float) -> None:
        """Change the rate by so many arrivals a second."""
        self._rate = max(0.0, self._rate + rate)
        self._changed.set()

    def _run(self) -> None:
        ahead, since = next(self._gaps), monotonic()  # in units of arrivals, from that moment on
        while True:
            self._changed.clear()
            rate = self._rate
            due = since + ahead / rate if rate else None
            wait = None if due is None else max(0.0, due - monotonic())
            if self._changed.wait(wait):
                now = monotonic()
                ahead, since = max(0.0, ahead - (now - since) * rate), now
                if self._place is not None:
                    ahead = (self._place - time.time() * self._rate) % 1.0
            elif due is not None:
                next(self._turns).send(due)
                ahead, since = next(self._gaps), due

    def close(self, drain_s: float) -> None:
        """Stop; requests that are not answered within `drain_s` count as unfinished."""
        self._loop.kill()
        deadline = monotonic() + drain_s
        for generator in self._generators:
            generator.drain(max(0.0, deadline - monotonic()))
            generator.abandon()
