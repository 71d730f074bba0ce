"""The backlog rule detects overload, and passes loads that can be sustained, in virtual time."""

from math import log
from random import Random

import pytest
from loadtests.trial.backlog import backlog

from loadtests.capacity.queueing import Queue
from loadtests.load.answer import Answer
from loadtests.load.arrivals import poisson
from loadtests.load.spec import SETTLE_S
from loadtests.slo import Slo
from loadtests.trial.tally import tally
from tests.support.virtual_service import Service

SLO = Slo.parse("p99<250ms")
DURATION_S = 5.0
QUEUES = [
    Service("M/D/1", 1, 0.010),
    Service("M/D/8", 8, 0.050),
    Service("M/D/32", 32, 0.020),
    Service("M/M/2", 2, 0.010, random=True),
    Service("M/M/8", 8, 0.020, random=True),
]


def sustained(service: Service) -> float:
    steps = [(step + 0.5) / 500 for step in range(500)]
    random = [-service.service_s * log(1 - step) for step in steps]
    times = random if service.random else [service.service_s]
    queue = Queue(service.servers, SLO.bound_s, tuple(times))
    return queue.sustained(queue.mean, SLO.loss_ratio)


def share_that_grows(service: Service, rate: float, *, settled: bool = True) -> float:
    seeds = 25
    grown = 0
    for seed in range(seeds):
        rng = Random(seed)
        settle = [time - SETTLE_S for time in poisson(rate, SETTLE_S, rng)]
        times = settle + poisson(rate, DURATION_S, rng)
        ends = service.respond([time + SETTLE_S for time in times], rng)
        answers = [
            Answer(time, time, end - SETTLE_S, "ok")
            for time, end in zip(times, ends, strict=True)
            if end is not None and (settled or time >= 0)
        ]
        grown += backlog(answers, SLO, DURATION_S).grows
    return grown / seeds


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("service", QUEUES, ids=lambda service: service.name)
def test_the_backlog_of_a_sustained_load_does_not_grow(service: Service, settled: bool) -> None:
    rate = 0.9 * sustained(service)
    assert share_that_grows(service, rate, settled=settled) <= 0.04


@pytest.mark.parametrize("service", QUEUES, ids=lambda service: service.name)
def test_backlog_shows_an_overload(service: Service) -> None:
    assert share_that_grows(service, 1.10 * service.ceiling) >= 0.8
    if not service.random:  # in five seconds random service hides 5 %, and answers come late
        assert share_that_grows(service, 1.05 * service.ceiling) >= 0.95


def test_backlog_shows_an_overload_before_any_answer_is_late() -> None:
    service = Service("M/D/2", 2, 0.012)
    rate = 1.03 * service.ceiling
    times = poisson(rate, DURATION_S, Random(3))
    ends = service.respond(times, Random(3))
    answers = [Answer(t, t, end, "ok") for t, end in zip(times, ends, strict=True)]
    assert tally(answers, SLO, DURATION_S).loss_ratio <= 0.01
    assert backlog(answers, SLO, DURATION_S).grows
