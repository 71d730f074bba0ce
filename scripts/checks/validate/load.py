"""The two kinds of load that cases need: clients that wait for each answer, and an open loop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random
from time import monotonic
from urllib.parse import urlsplit

import gevent

from loadtests.load.arrivals import SCHEDULES, Kind
from loadtests.load.http import ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import RequestSpec
from loadtests.load.schedule import TrialLength
from loadtests.load.source import InProcess
from loadtests.load.spec import SETTLE_S
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.trial import Trial

WARM_UP_S = 0.3
LEAD_S = 0.05
END_S = 30.0
PROMPT_S = 0.05
ANY = Slo(99, 10.0)  # so loose that no trial is stopped early


class Unanswered(Exception):
    """The service did not do what the case needs; the message quotes it."""


@contextmanager
def clients(url: str, path: str, number: int) -> Iterator[list[float]]:
    """Run `number` clients that ask without a pause; yields the times of their answers.

    They stop after their last answers, so that nothing is left running. Raises Unanswered for any
    answer but 200.
    """
    answered: list[float] = []
    failed: list[str] = []
    over = False
    connections = ConnectionPool(url)

    def client() -> None:
        while not over and not failed:
            try:
                status, body = connections.get(path)
            except OSError as error:
                status, body = 0, str(error).encode()
            if status == 200:
                answered.append(monotonic())
            else:
                failed.append(f"GET {path} answers {status}: {body[:200].decode()}")

    running = [gevent.spawn(client) for _ in range(number)]
    try:
        yield answered
        over = True
        gevent.joinall(running, timeout=END_S)
    finally:
        gevent.killall(running)
        connections.close()
    if failed:
        raise Unanswered(failed[0])


def rate(url: str, path: str, number: int, seconds: float) -> float:
    """Measure the answers per second of `number` clients."""
    with clients(url, path, number) as answered:
        gevent.sleep(WARM_UP_S)
        before, begun = len(answered), monotonic()
        gevent.sleep(seconds)
        served, took = len(answered) - before, monotonic() - begun
    if not served:
        raise Unanswered(f"GET {path} had no answer in {seconds:g} s")
    return served / took


def bracketed(base: Callable[[], float], other: Callable[[], float], rounds: int) -> list[float]:
    """Divide `other` by the mean of `base` before and after it, so that drift cancels out."""
    before, ratios = base(), []
    for _ in range(rounds):
        between, after = other(), base()
        ratios.append(2 * between / (before + after))
        before = after
    return ratios


def offer(  # noqa: PLR0913  # the load, where it goes, and what happens meanwhile
    url: str,
    path: str,
    per_s: float,
    seconds: float,
    *,
    kind: Kind = "uniform",
    meanwhile: Callable[[], None] = lambda: None,
) -> list[float]:
    """Offer an open load; returns sorted seconds from intended start to answer.

    Raises Unanswered for any answer but 200.
    """
    ended: list[Request] = []
    with closing(ConnectionPool(url)) as connections:
        generator = OpenLoop(connections, RequestSpec(path, target=path, status=200), ended.append)
        connections.get("/health")
        schedule = SCHEDULES[kind](per_s, seconds, Random(1))  # noqa: S311 - a schedule, no secret
        aside = gevent.spawn(meanwhile)
        begun = monotonic() + LEAD_S
        generator.offer(begun + at for at in schedule)
        generator.drain(END_S)
        generator.abandon()
        aside.get()
    lost = [request.error for request in ended if request.outcome != "ok"]
    if lost:
        raise Unanswered(f"{len(lost)} of {len(ended)} requests for {path} failed: {lost[0]}")
    return sorted(item.ended - item.intended for item in ended if item.ended is not None)


def trial(url: str, path: str, per_s: float, seconds: float, seed: int | str) -> Trial:
    """Offer a cell a Poisson load as a round does, with the bystander beside it."""
    cell = urlsplit(path).path.strip("/").partition("/")[::2]
    request = RequestSpec(path, target=path, status=200, text='"result"')
    with closing(CellLoad(url, cell, request, InProcess())) as cell_load:
        chosen = Random(seed).getrandbits(63)  # noqa: S311 - a schedule, no secret
        length = TrialLength(SETTLE_S, seconds)
        spec = cell_load.spec(per_s, length, ANY, "poisson", chosen, enough=1.0)
        return cell_load.trial(spec)


def settle(url: str) -> None:
    """Wait until the service has finished all work of earlier clients. Raises Unanswered."""
    until = monotonic() + END_S
    with closing(ConnectionPool(url)) as connections:
        while (begun := monotonic()) < until:
            connections.get("/health")
            if monotonic() - begun < PROMPT_S:
                return
    raise Unanswered(f"{url}/health takes over {PROMPT_S:g} s, {END_S:g} s after the load")


def stages(connections: ConnectionPool, path: str, name: str, times: int) -> list[float]:
    """Ask `times` times, one after the other, and read one time of each answer, in ms."""
    read = []
    for _ in range(times):
        status, body = connections.get(path)
        if status != 200:
            raise Unanswered(f"GET {path} answers {status}: {body[:200].decode()}")
        read.append(float(json.loads(body)["ms"][name]))
    return read
