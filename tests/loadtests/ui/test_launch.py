"""What a user has set for Locust elsewhere reaches neither a search nor the UI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.cli import begun, free_port, soon
from tests.support.locust_ui import Interface, fields
from tests.support.server_process import PATIENCE_S, ROOT

CONFIGURED = "nosuch = 1\nrun-time = 1s\nmaster = true\nweb-host = 0.0.0.0\nlocustfile = mine.py\n"
VARIABLES = {
    "LOCUST_MODE_MASTER": "1",
    "LOCUST_RUN_TIME": "1s",
    "LOCUST_TAGS": "foo",
    "LOCUST_WEB_HOST": "0.0.0.0",
    "LOCUST_SKIP_MONKEY_PATCH": "1",
    "LOCUST_LOCUSTFILE": "mine.py",
}


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a user with settings in each of the places where Locust looks for them."""
    for name in (".locust.conf", "locust.conf"):
        (tmp_path / name).write_text(CONFIGURED)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_only_our_own_settings_are_read(user: Path) -> None:
    locustfile = str(ROOT / "loadtests" / "locustfile.py")
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.ui.launch", "-f", locustfile, "--headless", "--list"],
        cwd=user,
        env={"HOME": str(user), "PYTHONPATH": str(ROOT), **VARIABLES},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["Available", "Users:", "LoadUser"])


@pytest.mark.usefixtures("database")
def test_a_search_is_not_ended_by_them(user: Path) -> None:
    file = user / "run" / "run.jsonl"
    cell = ("--workloads", "sleep", "--models", "inline", "--output", str(file.parent))
    with begun(user, "loadtests", "survive", *cell) as command:
        soon(lambda: file.exists() and '"line": "cell-start"' in file.read_text())
        assert command.press_ctrl_c() == 130


@pytest.mark.usefixtures("database")
def test_the_ui_is_for_this_machine_alone(user: Path) -> None:
    interface = Interface(f"http://127.0.0.1:{free_port()}")
    port = interface.url.rpartition(":")[2]
    with begun(user, "loadtests", "up", "--port", "0", "--web-port", port) as command:
        page = soon(interface.page)
        assert "scenario" in fields(page)
        listening = {
            one.laddr.ip
            for process in command.below()
            for one in psutil.Process(process.pid).net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
