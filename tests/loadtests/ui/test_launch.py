"""What a user has set for Locust elsewhere does not reach a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import begun, soon
from tests.support.locust_ui import configure


@pytest.mark.usefixtures("database")
def test_a_run_is_not_ended_by_the_settings_of_a_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch)
    file = tmp_path / "run" / "run.jsonl"
    cell = ("--workloads", "sleep", "--models", "inline", "--output", str(file.parent))
    with begun(tmp_path, "loadtests", "survive", *cell) as command:
        soon(lambda: file.exists() and '"line": "workload-start"' in file.read_text())
        assert command.press_ctrl_c() == 130
