"""A folder that is being written has one writer; two runs of one second have two folders."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.errors import RunFileError
from loadtests.run.file import folders
from loadtests.run.file.folders import LOCK, claimed, new_folder
from tests.support.cli import run
from tests.support.server_process import ROOT

CELL = ("--workloads", "noop", "--models", "inline")
# Holds a folder, as a child that inherits the lock does too; the child says what it finds.
HOLDER = """
import subprocess, sys
from pathlib import Path
from loadtests.run.file.folders import claimed

folder = Path(sys.argv[1])
if len(sys.argv) > 2:
    with claimed(folder) as held:
        print("inherited" if held is None else "own", flush=True)
        sys.stdin.read()
else:
    with claimed(folder) as held:
        subprocess.Popen([*sys.orig_argv, "child"], pass_fds=[held]).wait()
"""


def test_a_folder_is_held_by_the_command_and_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "inherited\n"
        message = (
            f"{folder} is being measured by process {holder.pid}; wait for it, or choose another"
        )
        refused = run("loadtests", "survive", *CELL, "--output", str(folder))
        assert (refused.code, refused.out) == (2, "")
        assert refused.err == f"python -m loadtests: {message} --output\n"
        assert [path.name for path in folder.iterdir()] == [LOCK]
        holder.kill()
        holder.wait()
        monkeypatch.setattr(folders, "PATIENCE_S", 0.2)
        with pytest.raises(RunFileError, match="is being measured by process"), claimed(folder):
            pass  # the child still writes
        holder.stdin.close()
        monkeypatch.setattr(folders, "PATIENCE_S", 30.0)
        with claimed(folder) as held:
            assert held is not None
    assert not [*folder.iterdir()]


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with ThreadPoolExecutor(8) as threads:
        made = [*threads.map(lambda _: new_folder(tmp_path / "results", now), range(64))]
    assert len({*made}) == len(made)
    assert all(folder.is_dir() for folder in made)
