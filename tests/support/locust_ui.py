"""The UI of Locust, as a browser talks to it; and one that stays up while nothing is started."""

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from tests.support.cli import Begun, begun, free_port, soon

# Settings of a user, for some other service, in each place where Locust looks for them.
CONFIGURED = "nosuch = 1\nrun-time = 1s\nmaster = true\nweb-host = 0.0.0.0\nlocustfile = mine.py\n"
VARIABLES = {
    "LOCUST_MODE_MASTER": "1",
    "LOCUST_RUN_TIME": "1s",
    "LOCUST_TAGS": "foo",
    "LOCUST_WEB_HOST": "0.0.0.0",
    "LOCUST_SKIP_MONKEY_PATCH": "1",
    "LOCUST_LOCUSTFILE": "mine.py",
}
CELL = {"user_count": "1", "spawn_rate": "1", "workloads": "noop", "models": "inline"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Answer(NamedTuple):
    status: int
    body: str
    headers: dict[str, str]


class Interface:
    def __init__(self, url: str) -> None:
        self.url = url

    def page(self) -> str | None:
        """Return its page, or None as long as there is none."""
        try:
            return self._open("/", None).decode()
        except OSError:
            return None

    def post(self, path: str, *fields: tuple[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._open(path, urlencode(fields).encode()))
        return answer

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        """Ask as anything may, with headers whose hyphens are written as underscores."""
        data = None if form is None else urlencode(form).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data, named)
        try:
            with DIRECT.open(request, timeout=10) as answer:
                return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode(), dict(error.headers))

    def rows(self, state: str) -> dict[str, dict[str, Any]] | None:
        """Return the rows by name, or None when Locust is in another state."""
        answer = json.loads(self._open("/stats/requests", None))
        return {row["name"]: row for row in answer["stats"]} if answer["state"] == state else None

    def _open(self, path: str, data: bytes | None) -> bytes:
        with DIRECT.open(self.url + path, data, timeout=10) as answer:
            content: bytes = answer.read()
            return content


@contextmanager
def up(folder: Path, *words: str, command: str = "loadtests") -> Iterator[tuple[Begun, Interface]]:
    """Run `python -m loadtests up` in a folder, with the server on any port."""
    ui = Interface(f"http://127.0.0.1:{free_port()}")
    ports = ("--port", "0", "--web-port", ui.url.rpartition(":")[2])
    with begun(folder, command, "up", *ports, *words, directory=folder) as process:
        soon(ui.page)
        yield process, ui
        assert "Traceback" not in process.err()


def fields(page: str) -> dict[str, dict[str, Any]]:
    """Find what the form offers for our options, by name, in the order of its fields."""
    form = re.search(r"templateArgs = (.*)", page)
    assert form, "the page has no form"
    offered: dict[str, dict[str, Any]] = json.loads(form[1])["extra_options"]
    return offered


def choices(page: str, name: str) -> list[str]:
    return list(fields(page)[name]["choices"])


def configure(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make this the folder of a user who has such settings."""
    for name in (".locust.conf", "locust.conf"):
        (folder / name).write_text(CONFIGURED)
    patch.setenv("HOME", str(folder))
    for name, value in VARIABLES.items():
        patch.setenv(name, value)


@pytest.fixture(scope="session")
def idle_up(
    database: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Begun, Interface]]:
    """Run the server and a UI in which nothing is ever started, for all tests of refusals."""
    folder = tmp_path_factory.mktemp("up")
    with ExitStack() as until_over:
        with pytest.MonkeyPatch.context() as patch:  # of the environment of this command alone
            configure(folder, patch)
            running = until_over.enter_context(up(folder))
        yield running


@pytest.fixture
def idle_ui(idle_up: tuple[Begun, Interface]) -> Iterator[Interface]:
    """Check that nothing has started when the test is over."""
    command, interface = idle_up
    before = {process.pid for process in command.below()}
    yield interface
    assert interface.rows("ready") is not None
    assert {process.pid for process in command.below()} == before
