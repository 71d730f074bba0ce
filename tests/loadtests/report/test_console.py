"""A run is drawn on a terminal, printed as plain lines elsewhere, or as one JSON document."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import LONG_S
from tests.support.run_files import FULL, write
from tests.support.server_process import ROOT

# Follows a "measurement" that copies a run file, as `survive` follows one that measures.
FOLLOW = """
import sys
from pathlib import Path
from loadtests.commands.follow import measured
from loadtests.report.console import console_for, show
from loadtests.report.delivery import deliver
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.live import LiveScreen
source, output, json = Path(sys.argv[1]), Path(sys.argv[2]), "--json" in sys.argv
console = console_for(json=json)
copy = [sys.executable, "-c", "import shutil, sys; shutil.copy(*sys.argv[1:])"]
command = lambda folder: [*copy, str(source), str(folder / "run.jsonl")]
folder, code = measured(output, "log", LiveScreen, command, resumable=bool, console=console)
if json:
    deliver(SurvivalReport, folder, console, json=True)
else:  # without pictures, which take their time
    show(console, SurvivalReport(folder).shown(), folder)
"""


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    source = write(tmp_path / "source.jsonl", FULL)
    return (sys.executable, "-P", "-c", FOLLOW, str(source), str(tmp_path / "run"))


def environment(**more: str) -> dict[str, str]:
    unset = {"NO_COLOR", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **more}


def on_a_terminal(command: tuple[str, ...], **more: str) -> str:
    """Run a command in a terminal of its own; return all that it prints there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not chunk:
                break
            shown += chunk
        os.close(ours)
        assert process.wait(LONG_S) == 0, shown.decode()
    return shown.decode()


def piped(command: tuple[str, ...], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, timeout=LONG_S, check=True
    )


def test_a_terminal_shows_the_matrix_in_colours(command: tuple[str, ...]) -> None:
    shown = on_a_terminal(command)
    assert "\x1b[2K" in shown, "the live matrix is erased"
    assert "\x1b[38;" in shown
    assert "[4/20]" not in shown, "plain lines are for logs"


def test_no_color_leaves_colours_out(command: tuple[str, ...]) -> None:
    shown = on_a_terminal(command, NO_COLOR="1")
    assert "★" in shown
    assert "\x1b[38;" not in shown
    assert "\x1b[3" not in shown.replace("\x1b[3m", "")


def test_elsewhere_there_is_a_line_for_each_event(command: tuple[str, ...]) -> None:
    ended = piped(command, FORCE_COLOR="1")
    assert ended.stderr == ""
    assert "\x1b" not in ended.stdout
    assert len([line for line in ended.stdout.splitlines() if line.startswith("[")]) == 20
    assert "★ use this" in ended.stdout


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(command: tuple[str, ...]) -> None:
    shown = on_a_terminal(command, TERM="dumb")
    assert "\x1b" not in shown
    assert "[20/20]" in shown


def test_json_is_alone_on_standard_output(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = piped((*command, "--json"))
    assert ended.stdout == (tmp_path / "run" / "summary.json").read_text()
    assert len(json.loads(ended.stdout)["cells"]) == 20
    assert "[20/20]" in ended.stderr
    assert f"Results: {tmp_path / 'run'}" in ended.stderr
