"""Services of the user are started for each row, and their requests are tried before any load."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.errors import ServiceError, StartError
from loadtests.load.request_text import parse_request
from loadtests.service import command
from loadtests.service.chosen_guests import Guests
from loadtests.service.guest_launcher import GuestLauncher
from loadtests.service.guests import running, started, varied
from loadtests.service.launcher import RunningService

SERVE = f"files={sys.executable} -m http.server --bind 127.0.0.1 -d {{folder}} {{port}}"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "CERTAIN_S", 0.0)


@contextmanager
def launched(
    folder: Path, *requests: str, bystander: str = "", variant: str = "folder ."
) -> Iterator[RunningService]:
    (folder / "there").mkdir(exist_ok=True)
    (folder / "there" / "a.txt").write_text("hello")
    parsed = {text: parse_request(text, folder) for text in requests}
    beside = parse_request(bystander, folder).spec if bystander else None
    guests = Guests(started([SERVE]), varied(["folder=.,there"]), parsed, beside, str(folder))
    with GuestLauncher(guests, folder).start("files", variant) as service:
        yield service


def test_a_row_is_started_with_its_values(tmp_path: Path) -> None:
    with launched(tmp_path, "/a.txt", bystander="/", variant="folder there") as service:
        assert service.subject is not None
        assert service.subject.usage().cpu_s > 0
        runtime = service.discovery.runtime
        assert runtime["values"] == {"folder": "there"}
        assert runtime["varied"] == {"folder": [".", "there"]}
        assert runtime["bystander"]["target"] == "/"
        assert service.discovery.workloads["/a.txt"]["request"]["target"] == "/a.txt"
    assert "GET /a.txt" in (tmp_path / "files.log").read_text()


def test_a_redirect_is_followed_before_the_load(tmp_path: Path) -> None:
    with launched(tmp_path, "/there") as service:
        assert service.discovery.workloads["/there"]["request"]["target"] == "/there/"


def test_a_service_that_runs_is_measured_as_it_is(tmp_path: Path) -> None:
    with launched(tmp_path, "/") as service:
        requests = {"/a.txt": parse_request("/a.txt", tmp_path)}
        guests = Guests(running([f"it={service.url}/there"]), {}, requests)
        with GuestLauncher(guests, tmp_path).start("it") as known:
            assert known.subject is None
        assert service.subject is not None
        observed = replace(guests.services[0], pid=service.subject.pid)
        with GuestLauncher(replace(guests, services=(observed,)), tmp_path).start("it") as known:
            assert known.subject is not None
            assert known.subject.usage().cpu_s > 0
        assert service.subject.family()


def test_the_first_request_decides_whether_it_has_started(tmp_path: Path) -> None:
    with (
        pytest.raises(
            StartError, match=r"files did not start: it answers GET /none with 404 .<!DOCTYPE HTML"
        ),
        launched(tmp_path, "/none"),
    ):
        pass


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("/none", "files: it answers GET /none with 404 .*: correct the request, or add --expect"),
        ("POST /", "files: it answers POST / with 501"),
        ("/there/a.txt --expect bye", "it answers GET /there/a.txt with 200, without 'bye'"),
    ],
)
def test_a_wrong_answer_to_another_is_named(tmp_path: Path, wrong: str, why: str) -> None:
    with pytest.raises(ServiceError, match=why), launched(tmp_path, "/", wrong):
        pass


def test_nothing_answers_at_a_url(tmp_path: Path) -> None:
    port = command.free_port()
    requests = {"/": parse_request("/", tmp_path)}
    guests = Guests(running([f"it=http://127.0.0.1:{port}"]), {}, requests)
    with (
        pytest.raises(ServiceError, match=r"it does not answer GET / at http://127.0.0.1:\d+: "),
        GuestLauncher(guests, tmp_path).start("it"),
    ):
        pass
