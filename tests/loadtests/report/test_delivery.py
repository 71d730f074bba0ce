"""A run is reported even if its pictures, its streams or its disk fail."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from loadtests.errors import RunFileError
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.survival.files import SurvivalReport
from loadtests.run.file.folders import folder_of
from loadtests.system.files import put
from tests.support.cli import LONG_S, soon
from tests.support.compared_runs import waiting
from tests.support.run_files import plan, result, trial, write
from tests.support.server_process import ROOT

SURVIVED = [
    plan([("sleep", "inline"), ("sleep", "thread-pool")]),
    *(trial("sleep", "thread-pool", rate, at=rate) for rate in (50.0, 80.0)),
    waiting(result("sleep", "inline", 14.2, 15.8, "bystander")),
    waiting(result("sleep", "thread-pool", 80.0, None)),
    {"line": "end", "at": 60.0, "exit": 0, "reason": None},
]
WHOLE = {"report.html", "run.jsonl", "summary.json", "summary.md"}
LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "run" / "run.jsonl", SURVIVED)
    return tmp_path / "run"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def shell(script: str, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell, in which `"$@"` is `python -m` with these words."""
    return subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-P", "-m", *words],
        env=environment(more), capture_output=True, timeout=LONG_S, check=False,
    )  # fmt: skip


def environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "400", "PYTHONPATH": str(ROOT), **more}


def test_streams_that_are_closed_cost_nothing(folder: Path) -> None:
    ended = shell('"$@" <&- >&- 2>&-', "loadtests", "report", str(folder))
    assert ended.returncode == 0
    assert names(folder) == WHOLE | {"survival.svg", "capacity.svg"}


def test_a_full_disk_is_reported_in_a_line_and_costs_the_rest_nothing(folder: Path) -> None:
    for name in ("summary.json", "capacity.svg"):
        (folder / name).symlink_to("/dev/full")
    ended = shell('"$@"', "loadtests", "report", str(folder))
    summary, picture = ended.stderr.decode().splitlines()
    assert f"not written: {folder}/summary.json (No space left on device); " in summary
    assert "not drawn: capacity.svg (No space left on device); draw it later: " in picture
    assert ended.returncode == 2, "callers that need the summary have to know"
    assert "thread-pool" in ended.stdout.decode()
    assert names(folder) >= WHOLE | {"survival.svg"}


def test_a_latest_that_is_a_folder_is_reported_after_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.parent / "latest").mkdir()
    report, code = deliver(SurvivalReport, folder, console_for(), latest=True)
    streams = capsys.readouterr()
    assert (code, len(report.summary.cells)) == (0, 2)
    assert "thread-pool" in streams.out
    [line] = streams.err.splitlines()
    assert f"{folder.parent / 'latest'} does not point to this run" in line
    assert names(folder) >= WHOLE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this folder")
def test_a_folder_that_takes_no_results_is_refused_before_a_run(tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to("/proc/self")
    with pytest.raises(RunFileError, match="here cannot be written"):
        folder_of(tmp_path / "here")


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    put(file, "of before")
    (tmp_path / f".file-{os.getpid()}").mkdir()
    with pytest.raises(IsADirectoryError):
        put(file, "of now")
    assert file.read_text() == "of before"


def at_the_first_module(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    assert process.stderr is not None
    return any(b"loadtests.commands.words" in line for line in process.stderr)


def when_the_summary_is_there(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    return (folder / "summary.md").exists()


@pytest.mark.parametrize("moment", [at_the_first_module, when_the_summary_is_there])
def test_ctrl_c_ends_a_report_in_a_line(
    moment: Callable[[Path, subprocess.Popen[bytes]], bool], folder: Path
) -> None:
    os.mkfifo(folder / "survival.svg")  # drawing goes on when it has a reader
    traced = ("-X", "importtime") if moment is at_the_first_module else ()
    command = (sys.executable, *traced, "-P", "-m", "loadtests", "report", str(folder))
    with subprocess.Popen(
        command, env=environment({}), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        soon(lambda: moment(folder, process))
        process.send_signal(signal.SIGINT)
        reader = os.open(folder / "survival.svg", os.O_RDONLY | os.O_NONBLOCK)
        lines = process.stderr.read().decode().splitlines()
        assert process.wait(LONG_S) == 130
        os.close(reader)
    [line] = [line for line in lines if not line.startswith("import time:")]
    assert line.startswith("python -m loadtests: ")
    if moment is when_the_summary_is_there:
        assert f"; the summary is in {folder}, draw the rest: " in line
        assert json.loads((folder / "summary.json").read_text())["cells"]
    assert not [name for name in names(folder) if name.startswith(".")]
