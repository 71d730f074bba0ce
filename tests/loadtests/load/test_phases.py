"""A passage offers every phase to its end, and its clients hang up when they lose patience."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from random import Random
from time import monotonic

import gevent
import pytest

from loadtests.load.http import ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import RequestSpec
from loadtests.load.schedule import Phase, starts
from loadtests.load.source import InProcess
from loadtests.load.spec import BYSTANDER_RATE
from loadtests.slo import Slo
from loadtests.trial.cell_load import BESIDE_RATE, CellLoad
from loadtests.trial.phased import PhasedResult
from tests.support.scripted_service import Scripted, scripted
from tests.support.server_process import PATIENCE_S, running

SLO = Slo.parse("p99<250ms")


@pytest.fixture(scope="module")
def url(database: None) -> Iterator[str]:
    with running("--models", "inline,async", "--queue", "1000", module="server") as server:
        yield server.url


def passage(url: str, path: str, phases: Sequence[Phase], patience_s: float) -> PhasedResult:
    hammer = CellLoad(
        url, ("sleep", "any"), RequestSpec(path, target=path, text='"slept"'), InProcess()
    )
    beside = {"noop/inline": "/noop/inline"}
    with closing(hammer):
        return hammer.passage(phases, SLO, "poisson", Random(1), patience_s, beside=beside)


def test_phases_are_drawn_one_after_the_other_with_a_settling_before() -> None:
    settling, measured = starts([Phase(10, 2), Phase(100, 1), Phase(5, 2)], 1, "poisson", Random(1))
    assert len(settling) == 10
    assert all(-1 <= at < 0 for at in settling)
    assert measured == sorted(measured)
    assert [sum(a <= at < b for at in measured) for a, b in pairwise((0, 2, 3, 5))] == [20, 100, 10]


def test_every_phase_is_offered_whole_with_what_runs_beside_it(url: str) -> None:
    result = passage(url, "/sleep/async?ms=5", [Phase(40, 0.5), Phase(120, 0.5)], PATIENCE_S)
    assert result.duration_s == 1.0
    assert Counter(answer.intended_s >= 0.5 for answer in result.work) == {False: 20, True: 60}
    assert {(answer.outcome, answer.status) for answer in result.work} == {("ok", 200)}
    assert len(result.bystander) == BYSTANDER_RATE
    assert [len(answers) for answers in result.beside.values()] == [BESIDE_RATE]
    assert {answer.outcome for answer in result.beside["noop/inline"]} == {"ok"}
    assert all(answer.ended_s and answer.ended_s >= answer.intended_s for answer in result.work)
    assert 0 < result.generator_cpu < 1
    assert result.zero < monotonic() - 1


def test_overload_never_ends_it_and_clients_hang_up(url: str) -> None:
    result = passage(url, "/sleep/inline?ms=20", [Phase(100, 1.0)], 0.2)  # twice its capacity
    assert len(result.work) == 100
    outcomes = Counter(answer.outcome for answer in result.work)
    assert outcomes.keys() <= {"ok", "unfinished"}
    assert outcomes["unfinished"] > 0
    given_up = [answer for answer in result.work if answer.outcome == "unfinished"]
    assert all(answer.ended_s is answer.status is None for answer in given_up)


def given_up(service: Scripted, patience_s: float, count: int) -> list[tuple[Request, float]]:
    """Send requests that get no answer, and wait until their clients have hung up."""
    done: list[tuple[Request, float]] = []
    connections = ConnectionPool(service.url)
    load = OpenLoop(
        connections, RequestSpec("/"), lambda request: done.append((request, monotonic()))
    )
    patience = gevent.spawn(load.hang_up, patience_s)
    zero = monotonic()
    load.offer([zero + 0.05 * number for number in range(count)])
    assert load.drain(PATIENCE_S)
    patience.kill()
    connections.close()
    return done


def test_a_client_hangs_up_when_its_patience_is_at_an_end_and_not_before() -> None:
    hung_up: list[float] = []

    def answer(_: str) -> None:
        with gevent.Timeout(PATIENCE_S):
            [open_one] = [item for item in service._open if item not in closed_ones]
            closed_ones.append(open_one)
            assert open_one.recv(1) == b""  # the client has closed it
            hung_up.append(monotonic())

    closed_ones: list[object] = []
    with scripted(answer) as service:
        done = given_up(service, 0.2, 3)
        with gevent.Timeout(PATIENCE_S):
            while len(hung_up) < 3:
                gevent.sleep(0.001)
    assert [request.outcome for request, _ in done] == ["unfinished"] * 3
    assert {request.error for request, _ in done} == {"unfinished: no answer within 0.2 s"}
    for (request, gave_up), closed in zip(done, hung_up, strict=True):
        assert request.ended is None
        assert gave_up >= request.intended + 0.2
        assert closed >= request.intended + 0.2
