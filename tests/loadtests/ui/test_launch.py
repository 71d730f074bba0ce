"""What a user has set for Locust elsewhere does not reach a search."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import begun, soon
from tests.support.locust_ui import VARIABLES, configure
from tests.support.server_process import PATIENCE_S, ROOT


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a user with settings in each of the places where Locust looks for them."""
    configure(tmp_path, monkeypatch)
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
