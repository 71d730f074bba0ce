"""However a measurement ends, its results so far are reported."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING

import pytest

from tests.loadtests.report.test_delivery import SURVIVED, WHOLE, environment, names
from tests.support.cli import LONG_S, soon
from tests.support.run_files import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Follows a program that copies a run file, as `survive` follows one that measures.
FOLLOW = """
import sys
from pathlib import Path
from loadtests.commands.follow import measured
from loadtests.system.start import begin, carry_out
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.live import LiveScreen
from loadtests.system.signals import interruptible

def main(words):
    program, *files = words
    interruptible()
    command = lambda folder: [sys.executable, "-c", program, *files]
    folder = Path(files[-1]).parent
    run, code = measured(folder, "log", LiveScreen, command, resumable=print, console=console_for())
    return deliver(SurvivalReport, run, console_for())[1] or code

begin()
carry_out(main)
"""
GONE = "import shutil, sys; shutil.copy(*sys.argv[1:]); sys.exit(1)"
FULL = f"print('ERROR:loadbearing:run.jsonl cannot be written (File too large)');{GONE}"
STUBBORN = """
import pathlib, shutil, signal, sys, time
stopping = pathlib.Path(sys.argv[2]).with_name("stopping")
signal.signal(signal.SIGTERM, lambda *_: stopping.touch())
shutil.copy(*sys.argv[1:])
while True:
    time.sleep(60)
"""


@contextmanager
def following(program: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    source = write(folder.with_name("source.jsonl"), SURVIVED[:-1])
    command = (sys.executable, "-P", "-c", FOLLOW, program, str(source), str(folder / "run.jsonl"))
    with subprocess.Popen(
        command, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.mark.parametrize(
    ("program", "why"), [(GONE, "see "), (FULL, "run.jsonl cannot be written (File too large)")]
)
def test_a_generator_that_ends_halfway_leaves_a_report(
    program: str, why: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with following(program, folder) as process:
        out, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 3
    [line] = err.splitlines()
    assert f"the load generator ended during the run; {why}" in line
    assert f"results so far (to resume: scripts/survive --retry {folder}):" in line
    assert "thread-pool" in out
    assert names(folder) >= WHOLE


def test_a_second_ctrl_c_ends_the_wait_and_not_the_report(tmp_path: Path) -> None:
    folder = tmp_path / "run[/b]"  # which would be markup
    with following(STUBBORN, folder) as process:
        soon((folder / "run.jsonl").exists)
        process.send_signal(signal.SIGINT)
        soon((folder / "stopping").exists)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONG_S)
    assert (process.returncode, err) == (130, "")
    assert f"(to resume: scripts/survive --retry {quote(str(folder))}):" in out
    assert len(json.loads((folder / "summary.json").read_text())["cells"]) == 2
