"""A service that a command starts answers on a free port, and ends with all that it has started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from loadtests.errors import StartError
from loadtests.paths import ROOT
from loadtests.service import command
from loadtests.service.command import CommandProcess, environment
from tests.support.cli import gone, soon
from tests.support.server_process import PATIENCE_S

SERVE = f"exec {sys.executable} -m http.server --bind 127.0.0.1 {{port}}"
# It starts a daemon that ignores SIGTERM, and a helper in a session of its own.
ROAMING = "(trap '' TERM; setsid sleep 1000 &); setsid sleep 1000 & "
SERVICE = """
import sys, time
from pathlib import Path
from loadtests.service.command import CommandProcess
words, log = ["sh", "-c", sys.argv[1]], Path(sys.argv[2])
with CommandProcess("x", words, lambda url: None, log, start_s=9) as it:
    while len(it.family()) < 3:
        time.sleep(0.01)
    print(*(process.pid for process in it.family()), flush=True)
    time.sleep(1000)
"""


def ready(url: str) -> tuple[int, str] | None:
    try:
        with urlopen(url, timeout=5):
            return None
    except HTTPError as error:
        with error:
            return error.code, f"it answers GET / with {error.code}"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "STOP_S", 0.2)
    monkeypatch.setattr(command, "CERTAIN_S", 0.0)


def test_it_is_observed_and_ends_with_what_has_left_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with CommandProcess(
        "x", ["sh", "-c", ROAMING + SERVE], ready, log, start_s=PATIENCE_S
    ) as service:
        processes = soon(lambda: family if len(family := service.family()) == 3 else None)
        assert service.pid in {process.pid for process in processes}
        assert service.usage().cpu_s > 0
        assert f":{service.port}" in service.url
    assert gone(processes)
    assert "GET / HTTP/1.1" in log.read_text()


def test_nothing_is_left_after_kill_9_of_ours(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-c",
        SERVICE,
        "(setsid sleep 1000 &); setsid sleep 1000 & exec sleep 1000",
        str(tmp_path / "log"),
    ]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as ours:
        try:
            assert ours.stdout
            processes = [psutil.Process(int(pid)) for pid in ours.stdout.readline().split()]
            assert len(processes) == 3
        finally:
            ours.kill()
    soon(lambda: gone(processes), command.STOP_S + 10)


def start(tmp_path: Path, script: str, start_s: float = 0.4) -> CommandProcess:
    return CommandProcess("x", ["sh", "-c", script], ready, tmp_path / "log", start_s=start_s)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo no such table; exit 3", "it died with exit code 3:\nno such table"),
        ("kill -9 $$", "it died with signal 9; it printed nothing"),
        ("true", "it ended at once (exit code 0); a command has to stay in the foreground"),
        ("exec sleep 1000", "its port never opened, for 0.4 s; it printed nothing"),
        ("seq 9; exit 1", "it died with exit code 1:\n5\n6\n7\n8\n9"),
    ],
)
def test_it_says_why_a_service_did_not_start(tmp_path: Path, script: str, why: str) -> None:
    with pytest.raises(StartError) as raised:
        start(tmp_path, script)
    assert str(raised.value).startswith(f"x did not start: {why}")


def test_a_wrong_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="x did not start: it answers GET / with 404:\n"):
        start(tmp_path, f"{SERVE} -d /nothing", 30)


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="x did not start: /etc/passwd: Permission denied"):
        CommandProcess("x", ["/etc/passwd"], ready, tmp_path / "log", start_s=PATIENCE_S)


def test_another_port_is_tried_where_one_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], command.free_port()]
        monkeypatch.setattr(command, "free_port", lambda: ports.pop(0))

        def elsewhere(url: str) -> tuple[int, str] | None:
            if url.endswith(f":{taken.getsockname()[1]}"):
                raise ConnectionError
            return ready(url)

        words = ["sh", "-c", SERVE]
        with CommandProcess("x", words, elsewhere, tmp_path / "log", start_s=PATIENCE_S) as service:
            assert not ports
            assert service.family()


def test_the_command_has_the_environment_of_the_user() -> None:
    ours = {
        "PATH": "/bin",
        "LOADTESTS_SCRIPT": "scripts/survive",
        "PYTHONPATH": f"{ROOT}{os.pathsep}/mine",
        "LOADBEARING_THREADS": "4",
    }
    assert environment(ours) == {"PATH": "/bin", "PYTHONPATH": "/mine"}
    assert environment({"PYTHONPATH": str(ROOT)}) == {}


def test_ctrl_c_of_ours_does_not_reach_it(tmp_path: Path) -> None:
    with CommandProcess(
        "x", ["sh", "-c", SERVE], ready, tmp_path / "log", start_s=PATIENCE_S
    ) as service:
        assert os.getsid(service.pid) not in {os.getsid(0), os.getpgid(0)}
        os.kill(service.pid, signal.SIGTERM)
        soon(lambda: not psutil.pid_exists(service.pid))
