"""A client learns from `GET /` what a service offers, and says what is wrong when it cannot."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from loadtests.errors import ServiceError
from loadtests.service.contract import Discovery, discover, path_of
from tests.support.server_process import running

WHOLE: dict[str, dict[str, Any]] = {
    "models": {"inline": {}},
    "workloads": {},
    "runtime": {"python": "3.11"},
}


@pytest.fixture(scope="module")
def url(database: None) -> Iterator[str]:
    with running("--models", "inline,async", module="server") as server:
        yield server.url


@pytest.fixture(scope="module")
def found(url: str) -> Discovery:
    return discover(url)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Start a service that answers every path alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_service_says_what_it_offers(found: Discovery) -> None:
    assert found.models["inline"]["available"]
    assert not found.models["process-pool"]["available"]
    assert found.workloads["sleep"]["parameters"]["ms"]["unit"] == "ms"
    assert found.runtime["loop"] == "uvloop"


def test_a_slash_at_the_end_changes_nothing(url: str, found: Discovery) -> None:
    assert discover(f"{url}/") == found


def test_no_proxy_comes_between(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert discover(url).models


def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but does not listen
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServiceError, match="nothing answers at") as raised:
            discover(url)
    assert url in str(raised.value)
    assert "Connection refused" in str(raised.value)
    assert "start a service there (python -m server)" in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "localhost",
        "127.0.0.1:8080",
        "http://",
        "ftp://127.0.0.1",
        "file:///etc/hostname",
        "https://127.0.0.1:8443",
        "http://127.0.0.1:eighty",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://127.0.0.1:8080/prefix",
        "http://127.0.0.1:8080/?a=b",
    ],
)
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ServiceError, match=r"no address of a service; write http://") as raised:
        discover(wrong)
    assert repr(wrong) in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>It works!</html>", b"\xff", b"[]", b"7", b"{}", b'{"models": {}}']
    + [json.dumps({**WHOLE, part: ["sleep"]}).encode() for part in WHOLE],
)
def test_another_service_answers_something_else(body: bytes) -> None:
    with (
        answering(200, body) as url,
        pytest.raises(ServiceError, match="answers something else at GET /: it is no loadbearing"),
    ):
        discover(url)


@pytest.mark.parametrize("status", [404, 500])
def test_another_service_has_no_such_page(status: int) -> None:
    with answering(status, b"sorry") as url, pytest.raises(ServiceError) as raised:
        discover(url)
    assert f"{url} answers {status} to GET /: it is no loadbearing service" in str(raised.value)


def test_a_service_that_refuses_says_why_and_what_to_do() -> None:
    said = {"error": {"message": "not by this name", "hint": "Use --allow-host."}}
    with answering(403, json.dumps(said).encode()) as url, pytest.raises(ServiceError) as raised:
        discover(url)
    assert str(raised.value) == f"{url} answers 403 to GET /: not by this name. Use --allow-host."


def test_any_service_with_that_answer_will_do() -> None:
    with answering(200, json.dumps(WHOLE).encode()) as url:
        assert discover(url) == Discovery(**WHOLE)


def test_why_a_cell_is_unavailable(found: Discovery) -> None:
    assert found.unavailable("sleep", "inline") is None
    assert found.unavailable("sleep", "async") is None
    assert "async" in str(found.unavailable("primes", "async"))
    assert "--models" in str(found.unavailable("sleep", "process-pool"))


def test_what_is_known_passes(found: Discovery) -> None:
    found.check([("sleep", "inline"), ("primes", "process-pool")], {"sleep": {"ms": "5"}})
    found.check([], {})


@pytest.mark.parametrize(
    ("cell", "parameters", "message"),
    [
        (("slep", "inline"), {}, "there is no workload 'slep'; did you mean 'sleep'?"),
        (("sleep", "inlin"), {}, "there is no model 'inlin'; did you mean 'inline'?"),
        (
            ("fetch", "inline"),
            {"fetch": {"page": "5"}},
            "there is no parameter 'page' of fetch; did you mean 'pages'?",
        ),
        (
            ("fetch", "inline"),
            {"fetch": {"xyz": "5"}},
            "there is no parameter 'xyz' of fetch; there are pages, delay",
        ),
        (
            ("fetch", "inline"),
            {"fetchh": {"pages": "5"}},
            "there is no workload 'fetchh'; did you mean 'fetch'?",
        ),
        (
            ("noop", "inline"),
            {"noop": {"ms": "5"}},
            "there is no parameter 'ms' of noop; it has none",
        ),
    ],
)
def test_what_is_unknown_is_named(
    found: Discovery, cell: tuple[str, str], parameters: dict[str, dict[str, str]], message: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        found.check([("sleep", "inline"), cell], parameters)
    assert str(raised.value) == message


def test_the_path_of_a_cell() -> None:
    assert path_of("sleep", "inline") == "/sleep/inline"
    assert path_of("sleep", "inline", {}) == "/sleep/inline"
    assert path_of("a", "b", {"ms": "5", "word": "a b&c"}) == "/a/b?ms=5&word=a+b%26c"
