"""Services of other people: their answers are understood, and what limits them is found."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.load.http import ConnectionPool
from loadtests.load.redirect import resolved
from loadtests.load.request import RequestSpec, outcomes_of
from loadtests.load.request_text import parse_request
from loadtests.service.command import CommandProcess
from tests.support.cli import LONG_S, begun, gone, run, soon
from tests.support.server_process import PATIENCE_S, ROOT

APPS = "tests.support.guests"
FASTAPI = f"uvicorn {APPS}.fastapi_app:app --log-level warning --port {{port}}"
OTHERS = {  # and how many processes each needs
    f"gunicorn {APPS}.flask_app:app --threads 4 --bind 127.0.0.1:{{port}}": 2,
    f"gunicorn {APPS}.django_app:app --workers 2 --bind 127.0.0.1:{{port}}": 3,
    f"hypercorn {APPS}.starlette_app:app --bind 127.0.0.1:{{port}}": 1,
    f"aiohttp.web {APPS}.aiohttp_app:app -H 127.0.0.1 -P {{port}}": 1,
}
PAGE = (ROOT / "loadtests" / "YOUR_SERVICE.md").read_text()
[SHOP] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FIRST, *_ = re.findall(r"^\$ scripts/(survive .+)$", PAGE, re.MULTILINE)
HEALTH = RequestSpec("/health", target="/health")


def serving(command: str, log: Path) -> CommandProcess:
    """Start a module of Python as a service."""

    def ready(url: str) -> tuple[int, str] | None:
        with closing(ConnectionPool(url)) as pool:
            status = pool.send(HEALTH).status
            return None if status == 200 else (status, "is not healthy")

    words = [sys.executable, "-m", *command.split()]
    root = str(ROOT)
    return CommandProcess("guest", words, ready, log, directory=root, start_s=PATIENCE_S)


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


def test_the_page_leads_to_a_measurement_that_ctrl_c_ends(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP.replace("0.1", "0.02"))  # it is sooner climbed
    (tmp_path / ".venv").symlink_to(sys.prefix)
    file = tmp_path / "run" / "run.jsonl"

    def trials() -> list[dict[str, Any]]:
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines if '"line": "trial"' in line]

    words = ("loadtests", *shlex.split(FIRST), "--output", str(file.parent))
    with begun(tmp_path, *words, directory=tmp_path) as command:
        soon(lambda: len(trials()) > 1, LONG_S)
        processes = command.below()
        assert command.press_ctrl_c() == 130
    soon(lambda: gone(processes))
    for trial in trials():
        assert (trial["workload"], trial["model"]) == ("/customers/{number}", "shop")
        assert trial["bystander"]["ok"] + trial["bystander"]["late"] > 0
        assert all(trial[stream][name] == 0 for stream in ("work", "bystander")
                   for name in ("wrong", "failed", "refused"))  # fmt: skip
    assert "GET /customers/" in (file.parent / "shop.log").read_text()


def running_in(folder: Path) -> list[psutil.Process]:
    """List the processes that work in a folder, as services do in that of their user."""
    running = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()) == folder:
                running.append(process)
    return running


DYING = "x=sh -c 'sleep 999 & echo no such table; exit 3' {port}"
SILENT = "x=sh -c 'exec sleep 999' {port}"
SERVING = f"x={sys.executable} -m http.server {{port}}"


@pytest.mark.parametrize(
    ("service", "request_text", "message"),
    [
        (DYING, "/", "x did not start: it died with exit code 3:\nno such table\n"),
        (SILENT, "/", "x did not start: its port never opened, for 0.5 s; it printed nothing"),
        (SERVING, "/none", "x did not start: it answers GET /none with 404 (<!DOCTYPE HTML"),
        ("http://nothing.invalid", "/", "the host 'nothing.invalid' does not resolve"),
        ("http://127.0.0.1:9", "/", "x does not answer GET / at http://127.0.0.1:9: "),
        (SERVING, "curl -x p http://a", "curl's -x cannot be kept: requests go straight"),
        (SERVING, "/{nam:users.csv}", "users.csv; did you mean 'name'?"),
    ],
)
def test_what_cannot_be_measured_ends_with_2_and_leaves_nothing(
    service: str, request_text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "users.csv").write_text("name\nann\n")
    words: tuple[str, ...]
    words = ("--url", f"x={service}") if "://" in service else ("--start", service)
    words += ("--request", request_text, *(("--start-within", "0.5s") if service == SILENT else ()))
    ended = run("loadtests", "survive", *words, directory=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]
    assert not running_in(tmp_path)
