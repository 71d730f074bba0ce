"""A client learns from `GET /` what a service offers, or reports why it cannot."""

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
def offered(url: str) -> Discovery:
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


def test_a_service_says_what_it_offers(offered: Discovery) -> None:
    assert offered.models["inline"]["available"]
    assert not offered.models["process-pool"]["available"]
    assert offered.workloads["sleep"]["parameters"]["ms"]["unit"] == "ms"
    assert offered.runtime["loop"] == "uvloop"


def test_a_slash_at_the_end_changes_nothing(url: str, offered: Discovery) -> None:
    assert discover(f"{url}/") == offered


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
    assert "start a service there (.venv/bin/python -m server)" in str(raised.value)


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
        "http://127.0.0.1:8080/#part",
        "http://me:secret@127.0.0.1:8080",
        "http://a..b",
        "http://a b",
    ],
)
def test_invalid_addresses_are_rejected(wrong: str) -> None:
    with pytest.raises(
        ServiceError, match=r"not the address of a service: expected e\.g\. http://"
    ) as raised:
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
        pytest.raises(
            ServiceError, match="unexpected answer to GET /: a loadbearing service lists"
        ),
    ):
        discover(url)


@pytest.mark.parametrize("status", [404, 500])
def test_another_service_has_no_such_page(status: int) -> None:
    with answering(status, b"sorry") as url, pytest.raises(ServiceError) as raised:
        discover(url)
    assert f"{url} answers {status} to GET /: a loadbearing service lists" in str(raised.value)


def test_a_service_that_refuses_says_why_and_what_to_do() -> None:
    reply = {"error": {"message": "not by this name", "hint": "Use --allow-host."}}
    with answering(403, json.dumps(reply).encode()) as url, pytest.raises(ServiceError) as raised:
        discover(url)
    assert str(raised.value) == f"{url} answers 403 to GET /: not by this name. Use --allow-host."


def test_any_service_with_that_answer_will_do() -> None:
    options = {"threads": {"maximum": 8}}
    for content in (WHOLE, {**WHOLE, "options": options}):
        with answering(200, json.dumps(content).encode()) as url:
            assert discover(url) == Discovery(**content)


def test_why_a_cell_is_unavailable(offered: Discovery) -> None:
    assert offered.unavailable("sleep", "inline") is None
    assert offered.unavailable("sleep", "async") is None
    assert "async" in str(offered.unavailable("primes", "async"))
    assert "--models" in str(offered.unavailable("sleep", "process-pool"))


def test_known_names_pass(offered: Discovery) -> None:
    offered.check([("sleep", "inline"), ("primes", "process-pool")], {"sleep": {"ms": "5"}})


@pytest.mark.parametrize(
    ("cell", "parameters", "message"),
    [
        (("slep", "inline"), {}, "unknown workload 'slep'; did you mean 'sleep'?"),
        (("sleep", "inlin"), {}, "unknown model 'inlin'; did you mean 'inline'?"),
        (
            ("fetch", "inline"),
            {"fetch": {"page": "5"}},
            "unknown parameter 'page' of fetch; did you mean 'pages'?",
        ),
        (
            ("fetch", "inline"),
            {"fetch": {"xyz": "5"}},
            "unknown parameter 'xyz' of fetch; expected pages, delay",
        ),
        (
            ("fetch", "inline"),
            {"fetchh": {"pages": "5"}},
            "unknown workload 'fetchh'; did you mean 'fetch'?",
        ),
        (
            ("noop", "inline"),
            {"noop": {"ms": "5"}},
            "unknown parameter 'ms' of noop; it takes none",
        ),
    ],
)
def test_an_unknown_name_is_reported(
    offered: Discovery, cell: tuple[str, str], parameters: dict[str, dict[str, str]], message: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        offered.check([("sleep", "inline"), cell], parameters)
    assert str(raised.value) == message


def test_the_path_of_a_cell() -> None:
    assert path_of("sleep", "inline") == "/sleep/inline"
    assert path_of("sleep", "inline", {}) == "/sleep/inline"
    assert path_of("a", "b", {"ms": "5", "word": "a b&c"}) == "/a/b?ms=5&word=a+b%26c"
