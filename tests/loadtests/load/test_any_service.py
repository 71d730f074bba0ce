"""Services of other people: secure or not, below a path, with any method, redirecting or not."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from time import monotonic

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from loadtests.errors import ServiceError
from loadtests.load import tls
from loadtests.load.http import ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.redirect import resolved
from loadtests.load.request import RequestSpec
from loadtests.load.schedule import Phase
from loadtests.load.source import InProcess
from loadtests.load.spec import LoadSpec, StreamSpec, share
from loadtests.slo import Slo
from tests.support.scripted_service import CERTIFICATE, Answer, Scripted, http, scripted
from tests.support.server_process import PATIENCE_S

CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
LARGE = b"x" * 1_000_000


def redirect(to: str, status: int = 307) -> bytes:
    head = b"HTTP/1.1 %d Elsewhere\r\nContent-Length: 0\r\nLOCATION: %s\r\n\r\n"
    return head % (status, to.encode())


def in_parts(answer: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        for at in range(0, len(answer), 7):
            connection.sendall(answer[at : at + 7])
            gevent.sleep(0)

    return send


ANSWERS: dict[str, Answer] = {
    "/api/large": http(LARGE),
    "/api/created": http(b"", 201),
    "/api/none": b"HTTP/1.1 204 None\r\n\r\n",
    "/api/same": b"HTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n",
    "/api/head": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    "/api/last": CLOSING + b"Content-Length: 4\r\n\r\nlast",
    "/api/until-the-end": CLOSING + b"\r\nlast",
    "/api/parts": in_parts(http(b"in parts")),
    "/api/cut": CLOSING + b"Content-Length: 9\r\n\r\nlast",
    "/api/slash": redirect("/api/slash/"),
    "/api/two": redirect("two/three?a=1", 302),
    "/api/two/three?a=1": in_parts(redirect("?b=2", 301)),
    "/api/loop": redirect("/api/loop"),
    "/api/away": redirect("https://elsewhere.example/x"),
    "/api/bad": redirect("http://[x/"),
    "/api/up": redirect("/other"),
    "/api/done": redirect("/api/result", 303),
    "/api/nowhere": http(b"", 302),
    "/api/items/7": redirect("/api/items/7/?q=7", 308),
    "/api/items/7?q=7": redirect("/api/items/7/?q=7", 308),
    "/api/items/8?q=8": redirect("/api/items/8/?q=8", 308),
    "/api/moved/7": redirect("/api/items?is=7"),
}


@pytest.fixture(scope="module", params=["http", "https"])
def service(request: pytest.FixtureRequest) -> Iterator[Scripted]:
    with scripted(lambda path: ANSWERS.get(path, http()), secure=request.param == "https") as it:
        yield it


@pytest.fixture
def pool(service: Scripted) -> Iterator[ConnectionPool]:
    with closing(ConnectionPool(f"{service.url}/api/", PATIENCE_S, insecure=True)) as connections:
        yield connections


def sent(pool: ConnectionPool, spec: RequestSpec, times: int = 3) -> list[Request]:
    ended: list[Request] = []
    load = OpenLoop(pool, spec, ended.append)
    for _ in range(times):
        load.send(monotonic())
        assert load.drain(PATIENCE_S)
    return ended


@pytest.mark.parametrize(
    ("spec", "outcome", "kept"),
    [
        (RequestSpec("", target="/any", text="result"), "ok", True),
        (RequestSpec("", target="/any?a=b", text="none"), "wrong", True),
        (RequestSpec("", target="/large", text="x" * 99), "ok", True),
        (RequestSpec("", target="/parts", text="in parts"), "ok", True),
        (RequestSpec("", "POST", "/created", body="a=1", status=201), "ok", True),
        (RequestSpec("", "POST", "/created", body="a=1"), "ok", True),
        (RequestSpec("", "POST", "/created", body="a=1", status=200), "failed", True),
        (RequestSpec("", "PATCH", "/any", body="ü" * 100_000), "ok", True),
        (RequestSpec("", "DELETE", "/none"), "ok", True),
        (RequestSpec("", target="/same", status=304), "ok", True),
        (RequestSpec("", target="/same"), "failed", True),
        (RequestSpec("", "HEAD", "/head"), "ok", True),
        (RequestSpec("", target="/slash", status=307), "ok", True),
        (RequestSpec("", target="/slash"), "failed", True),
        (RequestSpec("", target="/last", text="last"), "ok", False),
        (RequestSpec("", target="/until-the-end", text="last"), "ok", False),
        (RequestSpec("", target="/cut"), "failed", False),
    ],
)
def test_any_request_to_any_service(
    service: Scripted, pool: ConnectionPool, spec: RequestSpec, outcome: str, *, kept: bool
) -> None:
    before, first = service.connections, len(service.heads)
    ended = sent(pool, spec)
    assert [request.outcome for request in ended] == [outcome] * 3
    assert service.connections - before == (1 if kept else 3)
    assert [head.split("\r\n")[0] for head in service.heads[first:]] == [
        f"{spec.method} /api{spec.target} HTTP/1.1"
    ] * 3
    assert service.bodies[first:] == [spec.body.encode()] * 3


def test_a_load_draws_values_that_do_not_depend_on_its_rate() -> None:
    request = RequestSpec("", "POST", "/{id:1..1000000}", body="{id:1..1000000}")

    def arrived(service: Scripted, rate: float, of: int = 1) -> Counter[bytes]:
        """Send the shares of a load one after the other, and return what came."""
        stream = StreamSpec("work", request, (Phase(rate, 0.2),), "poisson")
        load = LoadSpec(service.url, (stream,), 7, Slo.parse("p99<10s"), 0.05)
        load = LoadSpec.load(load.dump())
        source = InProcess()
        with ExitStack() as ending:
            ending.callback(source.rest)
            first = len(service.bodies)
            for index in range(of):
                drawn = share(load.draw(), index, of)
                result = source.offer_drawn(load, drawn, monotonic() + 0.1, lambda _: False)
                [answers] = result.streams
                assert {answer.outcome for answer in answers} == {"ok"}
        return Counter(service.bodies[first:])

    with scripted(lambda _: http()) as service:
        once, faster, shared = (
            arrived(service, rate, of) for rate, of in ((100, 1), (200, 1), (100, 2))
        )
    assert once.total() == 25
    assert once < faster
    assert once == shared


def test_redirects_are_followed_before_the_load(service: Scripted, pool: ConnectionPool) -> None:
    plain = RequestSpec("", target="/any")
    assert resolved(pool, plain) == (plain, "")
    for target, final in (("/slash", "/slash/"), ("/two", "/two/three?b=2")):
        spec = RequestSpec("", target=target)
        assert resolved(pool, spec) == (
            replace(spec, target=final),
            f"{target} redirects to {final}",
        )
    post = RequestSpec("", "POST", "/slash", body="a=1")
    assert resolved(pool, post).request.target == "/slash/"
    expected = RequestSpec("", "POST", "/done", status=303)
    assert resolved(pool, expected).request is expected
    assert resolved(pool, RequestSpec("", target="/nowhere")).note == ""
    drawn = RequestSpec("", target="/items/{id:7..8}?q={id:7..8}")
    assert resolved(pool, drawn).request.target == "/items/{id:7..8}/?q={id:7..8}"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (RequestSpec("", target="/loop"), "/loop redirects more than 5 times"),
        (RequestSpec("", target="/away"), "/away redirects to https://elsewhere.example/x, which"),
        (RequestSpec("", target="/bad"), "/bad redirects to http://[x/, which is not a URL"),
        (RequestSpec("", target="/up"), "/up redirects to http"),
        (RequestSpec("", "POST", "/done"), "expect that (--expect 303), or request the other"),
        (RequestSpec("", target="/moved/{id:7..7}"), "where its values go there cannot be seen"),
    ],
)
def test_a_redirect_that_cannot_be_followed_is_an_error(
    pool: ConnectionPool, spec: RequestSpec, message: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        resolved(pool, spec)
    assert message in str(caught.value)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    tls._context.cache_clear()
    yield
    tls._context.cache_clear()


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_a_known_authority_is_trusted() -> None:
    with scripted(lambda _: http(), secure=True) as service:
        for host in ("127.0.0.1", "localhost"):
            with closing(ConnectionPool(service.url.replace("127.0.0.1", host))) as connections:
                assert [connections.get("/").status for _ in range(3)] == [200] * 3
        assert service.connections >= 2
        service.hang_up()


def test_an_unknown_certificate_is_not_trusted() -> None:
    with scripted(lambda _: http(), secure=True) as service:
        [request] = sent(ConnectionPool(service.url), RequestSpec(""), 1)
        assert str(request.error).startswith(
            "ConnectionError: the certificate of 127.0.0.1 is not trusted: self-signed certificate;"
        )
        [request] = sent(ConnectionPool(service.url, insecure=True), RequestSpec(""), 1)
        assert request.outcome == "ok"


def test_stale_secure_connections_are_replaced() -> None:
    with (
        scripted(lambda _: http(), secure=True) as service,
        closing(ConnectionPool(service.url, insecure=True)) as connections,
    ):
        connections.get("/")
        service.hang_up()
        assert connections.get("/").status == 200
        assert service.connections == 2


def test_a_service_that_speaks_no_tls_is_an_error() -> None:
    server = StreamServer(("127.0.0.1", 0), lambda connection, _: connection.sendall(http()))
    server.start()
    with pytest.raises(OSError, match=r"no TLS with 127\.0\.0\.1: .*(wrong version|record)"):
        ConnectionPool(f"https://127.0.0.1:{server.server_port}", insecure=True).get("/")
    server.stop()
