"""The open loop sends when it is due, whatever the service does, and says what became of each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import gevent
import pytest
from gevent.event import Event

from loadtests.load import open_loop
from loadtests.load.http import ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import RequestSpec
from tests.support.scripted_service import Answer, Scripted, http, scripted
from tests.support.server_process import PATIENCE_S

RIGHT = '"result": 1'
ANSWERS: dict[str, Answer] = {
    "/ok": http(),
    "/refused": http(b"{}", 503),
    "/expired": http(b"{}", 504),
    "/broken": http(b"{}", 500),
    "/wrong": http(b'{"result": 2}'),
    "/nonsense": b"nonsense\r\n\r\n",
    "/silence": None,
}


class Bench:
    """A service that answers as told, but `/held` only once the gate is open; and who asks it."""

    def __init__(self) -> None:
        self.gate = Event()
        self.done: list[Request] = []

    def answer(self, path: str) -> Answer:
        if path == "/held":
            assert self.gate.wait(PATIENCE_S)
            return http()
        return ANSWERS[path]

    def outcomes(self) -> Counter[str]:
        return Counter(request.outcome for request in self.done)


@contextmanager
def bench(path: str) -> Iterator[tuple[Bench, OpenLoop, Scripted]]:
    client = Bench()
    with scripted(client.answer) as service:
        connections = ConnectionPool(service.url)
        load = OpenLoop(connections, RequestSpec(path, target=path, text=RIGHT), client.done.append)
        try:
            yield client, load, service
        finally:
            connections.close()


def test_a_service_that_stands_still_holds_back_no_request() -> None:
    with bench("/held") as (client, load, service):
        zero = monotonic() + 0.01
        starts = [zero + 0.01 * number for number in range(20)]
        load.offer(starts)
        service.begun(20)
        assert not load.drain(0)
        assert (len(service.arrived), len(load.flying), client.done) == (20, 20, [])
        assert all(at >= start for at, start in zip(service.arrived, starts, strict=True))
        opened = monotonic()
        client.gate.set()
        assert load.drain(PATIENCE_S)
    assert client.outcomes() == {"ok": 20}
    assert sorted(sent.intended for sent in client.done) == starts
    for sent in client.done:
        assert sent.sent is not None
        assert sent.ended is not None
        assert sent.intended <= sent.sent < opened < sent.ended
        assert sent.size == len(b'{"result": 1}')


def test_late_requests_are_sent_at_once_and_keep_their_intended_start() -> None:
    with bench("/ok") as (client, load, service):
        past = monotonic() - 100
        load.offer([past, past + 1, past + 2])
        assert load.drain(PATIENCE_S)
    assert len(service.arrived) == 3
    assert sorted(sent.intended for sent in client.done) == [past, past + 1, past + 2]
    assert all(sent.sent is not None and sent.sent > past + 90 for sent in client.done)


@pytest.mark.parametrize(
    ("path", "outcome", "error"),
    [
        ("/ok", "ok", None),
        ("/refused", "refused", "HTTP 503"),
        ("/expired", "expired", "HTTP 504"),
        ("/broken", "failed", "HTTP 500"),
        ("/wrong", "wrong", "the body does not contain '\"result\": 1'"),
        (
            "/silence",
            "failed",
            "ConnectionResetError: the service closed the connection unanswered",
        ),
        (
            "/nonsense",
            "failed",
            "ConnectionError: the answer is cut off or not HTTP: Expected HTTP/, RTSP/ or ICE/",
        ),
    ],
)
def test_what_became_of_a_request(path: str, outcome: str, error: str | None) -> None:
    with bench(path) as (client, load, _):
        load.send(monotonic())
        assert load.drain(PATIENCE_S)
    [sent] = client.done
    assert (sent.outcome, sent.error) == (outcome, error)
    assert sent.sent is not None
    assert sent.ended is not None
    assert sent.intended <= sent.sent <= sent.ended


def test_nobody_listens() -> None:
    with bench("/ok") as (client, load, _):
        pass
    load.send(monotonic())
    assert load.drain(PATIENCE_S)
    [sent] = client.done
    assert sent.outcome == "failed"
    assert str(sent.error).startswith("ConnectionRefusedError:")


def test_too_many_in_flight_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_loop, "MOST_IN_FLIGHT", 3)
    with bench("/held") as (client, load, service):
        load.offer([monotonic()] * 5)
        assert [(sent.outcome, sent.error) for sent in client.done] == [
            ("unsent", "not sent: 3 requests are in flight already")
        ] * 2
        assert all(sent.sent is sent.ended is None for sent in client.done)
        client.gate.set()
        assert load.drain(PATIENCE_S)
        load.send(monotonic())  # there is room again
        assert load.drain(PATIENCE_S)
        assert len(service.arrived) == 4
    assert client.outcomes() == {"ok": 4, "unsent": 2}


def test_what_is_abandoned_is_unfinished_and_ends() -> None:
    with bench("/held") as (client, load, service):
        load.offer([monotonic()] * 3)
        service.begun(3)
        assert not load.drain(0)
        load.abandon()
        assert client.outcomes() == {"unfinished": 3}
        assert all(sent.sent is not None and sent.ended is None for sent in client.done)
        assert {sent.error for sent in client.done} == {
            "unfinished: no answer when the load had ended"
        }
        assert load.drain(0)
        client.gate.set()
        gevent.sleep(0)  # an answer that comes now is nobody's
        load.abandon()
    assert len(client.done) == 3


def test_what_is_abandoned_before_it_is_connected_counts_once() -> None:
    with bench("/ok") as (client, load, service):
        load.send(monotonic())
        load.abandon()
        assert load.drain(0)
        gevent.sleep(0)
        assert (client.outcomes(), service.arrived) == ({"unfinished": 1}, [])


def test_what_is_abandoned_before_its_error_is_told_counts_once() -> None:
    with bench("/ok") as (client, load, _):
        pass
    load.send(monotonic())
    load.abandon()
    gevent.sleep(0)
    assert client.outcomes() == {"unfinished": 1}
