"""A short load that tests have offered by one process and by several."""

from collections.abc import Iterable

from loadtests.load.answer import Answer
from loadtests.load.request import HEALTH, RequestSpec
from loadtests.load.schedule import Phase
from loadtests.load.spec import LoadSpec, StreamSpec
from loadtests.slo import Slo
from tests.support.scripted_service import http

RIGHT = '"result": 1'
RATE, BYSTANDER_RATE = 90.0, 61.0  # a count that two can share, and one that they cannot
DURATION_S, SETTLE_S = 1.0, 0.2


def order(url: str, path: str) -> LoadSpec:
    request = RequestSpec(path, target=path, text=RIGHT)
    work = StreamSpec("work", request, (Phase(RATE, DURATION_S),), "poisson")
    bystander = StreamSpec("bystander", HEALTH, (Phase(BYSTANDER_RATE, DURATION_S),))
    return LoadSpec(url, (work, bystander), 7, Slo.parse("p99<5s"), SETTLE_S, enough=0.1)


def starts(answers: Iterable[Answer]) -> list[float]:
    """List when they were due, to the nanosecond: no clock has more."""
    return sorted(round(answer.intended_s, 9) for answer in answers)


def answer(path: str) -> bytes:
    """Answer every path rightly, but for one."""
    return http(b"{}") if path == "/wrong" else http()
