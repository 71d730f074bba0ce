"""The users of Locust: arrivals of an open loop, or clients of a closed one.

Open: one user is one arrival a second, so Locust's "users" is the offered rate. All open-loop
users of a process share one arrival process, whose rate is their number: cheaper than a timer for
each, and truly Poisson. Closed: one user is one client that waits for each answer, for contrast.
With both, a bystander sends `GET /health` at a steady rate. Locust adds up all requests that it is
given, so it is given only the work: medians of the work and of `/health` together are of neither.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from random import Random
from time import monotonic
from typing import Any

import gevent
from gevent.event import Event
from locust import User, events, task
from locust.env import Environment
from locust.event import EventHook
from locust.exception import CatchResponseError
from locust.runners import WorkerRunner

from loadtests.load.arrivals import gaps, phase_offset
from loadtests.load.http import ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import HEALTH, RequestSpec
from loadtests.load.spec import BYSTANDER_RATE
from loadtests.run.options import Options
from loadtests.service.contract import path_of
from loadtests.trial.tally import lag_allowed_s
from loadtests.ui.failure import why
from loadtests.ui.ledger import BYSTANDER, LAG
from loadtests.ui.turns import turns_of

DRAIN_S = 5.0

ended = EventHook()  # each request that has ended, the bystander's too, for our own tabs

log = logging.getLogger("loadbearing")


class Failure(CatchResponseError):
    """A failure that Locust shows by its text alone, in one process and in several."""

    def __repr__(self) -> str:
        return str(self)


def record(environment: Environment, name: str, answer: Request) -> None:
    """Put one request into our tabs and Locust's tables; its time counts from the intended start.

    Locust's tables have only the work, not the bystander.
    """
    end = monotonic() if answer.ended is None else answer.ended
    sent = end if answer.sent is None else answer.sent
    took_s, lag_s = end - answer.intended, sent - answer.intended
    ended.fire(name=name, outcome=answer.outcome, took_ms=took_s * 1e3, lag_ms=lag_s * 1e3)
    if name == BYSTANDER:
        return
    environment.events.request.fire(
        request_type="GET",
        name=name,
        response_time=took_s * 1e3,
        response_length=answer.size,
        exception=None if answer.outcome == "ok" else Failure(why(answer)),
        context={},
        response=None,
        start_time=time.time() - took_s,
        url=environment.host,
    )


def show(environment: Environment, rate: float) -> None:
    """Show an offered rate as Locust's number of users, if there is a web interface."""
    if environment.web_ui and environment.runner:
        users = max(1, round(rate))
        environment.runner.start(users, spawn_rate=users)


def _of_contract(path: str) -> RequestSpec:
    """Return a request to a cell of our own server, whose right answers have a result."""
    return RequestSpec(path, target=path, status=200, text='"result"')


class LiveArrivals:
    """One arrival process whose rate may change while it runs; `choose` returns what sends next.

    The arrivals of several processes have independent seeds, so together they are Poisson too;
    evenly spaced ones interleave: each keeps its own place between the others, by the wall clock.
    """

    def __init__(
        self, choose: Callable[[], OpenLoop], kind: str, rng: Random, place: float = 0.0
    ) -> None:
        self._choose = choose
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
                self._choose().send(due)
                ahead, since = next(self._gaps), due

    def close(self) -> None:
        self._loop.kill()


class UserLoad:
    """The load of the users of this process, from the start of a test to its end."""

    def __init__(self, environment: Environment, options: Options) -> None:
        self.environment = environment
        self.open = options.load == "open"
        self.lags: list[float] = []
        self._lag_allowed_ms = 1e3 * lag_allowed_s(options.slo)
        runner = environment.runner
        index = runner.worker_index if isinstance(runner, WorkerRunner) else 0
        rng = Random(f"{options.seed}/{index}")  # noqa: S311 - a schedule, not a secret
        self._connections = ConnectionPool(str(environment.host))
        self._cells = {
            f"{workload}/{model}": _of_contract(
                path_of(workload, model, options.parameters.get(workload))
            )
            for workload, model in options.cells
        }
        self._turns = turns_of(options)
        self._cycle = cycle(self._cells)
        self._sending: dict[OpenLoop, str] = {}
        generators = {name: self._generator(name, request) for name, request in self._cells.items()}
        self.arrivals = LiveArrivals(
            lambda: generators[self._next()], options.arrivals, rng, phase_offset(index)
        )
        health = self._generator(BYSTANDER, HEALTH)
        self._bystander = LiveArrivals(lambda: health, "uniform", rng)
        self._bystander.add(BYSTANDER_RATE if index == 0 else 0.0)

    def _next(self) -> str:
        """Choose the cell of the next request: that of the turn, or each after the other."""
        return self._turns.cell(time.time()) if self._turns else next(self._cycle)

    def _generator(self, name: str, request: RequestSpec) -> OpenLoop:
        def done(answer: Request) -> None:
            if answer.sent is not None:
                self.lags.append(answer.sent - answer.intended)
            record(self.environment, name, answer)

        generator = OpenLoop(self._connections, request, done)
        self._sending[generator] = name
        return generator

    def flying(self) -> Counter[str]:
        """Count the requests of each cell that wait for their answers."""
        waiting: Counter[str] = Counter()
        for generator, name in self._sending.items():
            waiting[name] += len(generator.flying)
        return waiting

    def ask(self) -> None:
        """Send one request and wait for its answer: a closed loop."""
        name = self._next()
        generator = self._generator(name, self._cells[name])
        generator.send(monotonic())
        generator.drain(DRAIN_S)
        generator.abandon()
        del self._sending[generator]

    def close(self) -> None:
        """Stop; requests that are not answered within a few seconds count as unfinished."""
        for arrivals in (self.arrivals, self._bystander):
            arrivals.close()
        deadline = monotonic() + DRAIN_S
        for generator in [*self._sending]:
            generator.drain(max(0.0, deadline - monotonic()))
            generator.abandon()
        self._connections.close()
        if self.lags and self.open:
            lags = sorted(self.lags)
            p50, p99 = (1e3 * lags[int(len(lags) * share)] for share in (0.5, 0.99))
            late = p99 > self._lag_allowed_ms
            trust = ": the generator was late, do not trust these figures" if late else ""
            level = logging.WARNING if late else logging.INFO
            log.log(level, LAG, p50, p99, trust)


class LoadUser(User):
    """One arrival a second, or one client that waits for its answers; idle in a survival run."""

    load: UserLoad | None = None

    def on_start(self) -> None:
        if self.load and self.load.open:
            self.load.arrivals.add(1.0)

    def on_stop(self) -> None:
        if self.load and self.load.open:
            self.load.arrivals.add(-1.0)

    @task
    def act(self) -> None:
        if self.load is None or self.load.open:
            gevent.sleep(1)  # the shared arrival process acts for this user
        else:
            self.load.ask()


@events.test_stop.add_listener
def _stop(**_: Any) -> None:
    if (load := LoadUser.load) is not None:
        load.close()
        if LoadUser.load is load:  # else another test has begun meanwhile
            LoadUser.load = None
