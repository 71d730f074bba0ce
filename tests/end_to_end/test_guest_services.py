"""Services of other people: their answers are understood, and what limits them is found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from loadtests.load.http import ConnectionPool
from loadtests.load.redirect import resolved
from loadtests.load.request import RequestSpec, outcomes_of
from loadtests.load.request_text import parse_request
from loadtests.service.command import CommandProcess
from tests.support.cli import gone
from tests.support.server_process import PATIENCE_S, ROOT

APPS = "tests.support.guests"
FASTAPI = f"uvicorn {APPS}.fastapi_app:app --log-level warning --port {{port}}"
OTHERS = {  # and how many processes each needs
    f"gunicorn {APPS}.flask_app:app --threads 4 --bind 127.0.0.1:{{port}}": 2,
    f"gunicorn {APPS}.django_app:app --workers 2 --bind 127.0.0.1:{{port}}": 3,
    f"hypercorn {APPS}.starlette_app:app --bind 127.0.0.1:{{port}}": 1,
    f"aiohttp.web {APPS}.aiohttp_app:app -H 127.0.0.1 -P {{port}}": 1,
}
HEALTH = RequestSpec("/health", target="/health")


def serving(command: str, log: Path) -> CommandProcess:
    """Start a module of Python as a service."""

    def ready(url: str) -> tuple[int, str] | None:
        with closing(ConnectionPool(url)) as pool:
            status = pool.send(HEALTH).status
            return None if status == 200 else (status, "is not healthy")

    words = [sys.executable, "-m", *command.split()]
    return CommandProcess("guest", words, ready, log, directory=str(ROOT))


@pytest.fixture(scope="module")
def fastapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionPool]:
    log = tmp_path_factory.mktemp("fastapi") / "log"
    with serving(FASTAPI, log) as service, closing(ConnectionPool(service.url, PATIENCE_S)) as pool:
        yield pool
    assert log.read_text() == ""


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("/customers/{number:1..5000} --expect 'customer '", "ok"),
        ("/customers/{number:5001..9999}", "failed"),
        ("/customers/{number:5001..9999} --expect 404", "ok"),
        ('/orders --body \'{"customer": {id:1..9}, "items": ["{id:1..9}"]}\' --expect 201', "ok"),
        ('/orders --body \'{"customer": 0, "items": ["tea"]}\'', "failed"),
        ('/orders --body \'{"customer": 1, "items": []}\' --expect 422 --expect too_short', "ok"),
        ("/moved --expect ok", "ok"),
        ("/moved --expect 307", "ok"),
        ("/compressed --header 'Accept-Encoding: gzip' --expect 'air air'", "ok"),
        ("/compressed --expect water", "wrong"),
        ("/chunked --expect 'line 9'", "ok"),
        ("/private", "failed"),
        ("/private --header 'Authorization: Bearer open-sesame' --expect 42", "ok"),
        ("curl localhost/private -b session=open-sesame", "ok"),
    ],
)
def test_answers_of_fastapi_are_understood(
    text: str, outcome: str, fastapi: ConnectionPool
) -> None:
    spec, _ = resolved(fastapi, parse_request(text, Path()).spec)
    assert outcomes_of(spec)(*fastapi.send(spec)) == outcome


@pytest.mark.parametrize("command", OTHERS)
def test_services_answer_again_and_again_and_end(command: str, tmp_path: Path) -> None:
    with (
        serving(command, tmp_path / "log") as service,
        closing(ConnectionPool(service.url)) as pool,
    ):
        answers = [pool.get("/wait") for _ in range(3)]
        processes = service.family()
    assert [(status, b"waited" in body) for status, body in answers] == 3 * [(200, True)]
    assert len(processes) >= OTHERS[command]
    assert gone(processes)
