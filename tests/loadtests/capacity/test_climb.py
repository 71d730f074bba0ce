"""The ladder is climbed with real clients: a limit of a real service is found from outside."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.lock import BoundedSemaphore

from loadtests.capacity import climb as ladder
from loadtests.capacity.climb import Outside, climb, service_times
from loadtests.capacity.outside import from_outside
from loadtests.errors import Untrustworthy
from loadtests.load.request import RequestSpec
from tests.support.scripted_service import Answer, Scripted, http, scripted

INSIDE, WORK_S, BOUND_S = 3, 0.04, 0.25
HEALTH = RequestSpec("health", target="/health")


@pytest.fixture(scope="module")
def service() -> Iterator[Scripted]:
    places, one_loop = BoundedSemaphore(INSIDE), BoundedSemaphore(1)

    def answer(path: str) -> Answer:
        if path == "/pool":
            with places:
                gevent.sleep(WORK_S)
        if path == "/block" or path.startswith("/health?"):
            with one_loop:
                gevent.sleep(WORK_S if path == "/block" else 0)
        return http(status=500 if path == "/fails" else 200)

    with scripted(answer) as running:
        yield running


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"WINDOW_S": 0.2, "SETTLE_S": 0.05, "END_S": 0.3}.items():
        monkeypatch.setattr(ladder, name, seconds)


def test_a_pool_is_found_and_demands_follow(service: Scripted) -> None:
    request = RequestSpec("pool", target="/pool")
    known = from_outside(service.url, request, Outside(None, HEALTH), BOUND_S)
    assert known.admitted is not None
    assert known.admitted.slots_low - 0.5 <= INSIDE <= known.admitted.slots_high + 0.5
    assert not known.admitted.blocked
    assert known.crowd.slots == known.admitted.slots
    assert known.lone.typical is not None
    assert known.lone.typical.off_cpu >= WORK_S * 0.9
    assert min(known.runs) >= WORK_S * 0.9


def test_a_blocked_loop_is_distinguished_from_a_lock(service: Scripted) -> None:
    request = RequestSpec("block", target="/block")
    waits = RequestSpec("waits", target="/health?")
    climbed = climb(service.url, request, Outside(None, waits))
    assert climbed.admitted is not None
    assert (climbed.admitted.slots, climbed.admitted.blocked) == (1, True)
    assert len(service_times(climbed, 3)) <= 5


def test_nothing_is_concluded_without_a_right_answer(service: Scripted) -> None:
    with pytest.raises(Untrustworthy, match="fails: no right answer came from http://"):
        from_outside(service.url, RequestSpec("fails", target="/fails"), Outside(None), BOUND_S)
