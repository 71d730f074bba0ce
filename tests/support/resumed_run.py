"""One survival run that was killed in the middle and resumed, for all tests that look at it.

It is the run of a user: a module of five lines, outside the checkout, whose folder has a `server`,
a configuration of Locust and other things of its own.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.service.pythons import interpreter
from tests.support.cli import LONG_S, Ended, begun, quiet, run, soon

SURVIVE = ("loadtests", "survive")
BRIEFLY = ("tests.support.brief_command", "survive")
LABEL = interpreter(sys.executable).label
MODELS = ("inline", "process-pool", "async")  # the last of which cannot run it
MODULE = '''
import time
from server.workloads import workload

@workload(kind="io")
def nap(ms: int = 20) -> int:
    """Sleep for `ms`."""
    time.sleep(ms / 1000)
    return ms
'''
CELLS = (
    "--workloads",
    "./mine.py",
    "--models",
    ",".join(MODELS),
    "--param",
    "nap.ms=10",
    "--autopsy",
    "none",
)
SERVER = ("--server-python", sys.executable, "--start-method", "fork", "--switch-interval", "1ms")
SEED = "4"
PLAYED = 2  # rounds before it is killed: too few for a result


@dataclass(frozen=True, slots=True)
class Survived:
    """A finished run, its folder, and what the summary says of each model."""

    ended: Ended
    folder: Path
    lines: list[dict[str, Any]]
    summary: dict[str, Any]

    @property
    def resumed_at(self) -> int:
        """The index of the line with which it goes on."""
        return [line["line"] for line in self.lines].index("resumed")

    def trials(self, model: str, *, valid: bool = False) -> list[dict[str, Any]]:
        """Return the trials of a model, or only those that are valid."""
        trials = [line for line in self.lines if line["line"] == "trial"]
        return [line for line in trials if line["model"] == model and line["valid"] >= valid]

    def cell(self, model: str) -> dict[str, Any]:
        [cell] = [line for line in self.summary["cells"] if line["model"] == model]
        return dict(cell)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of a user, in which nothing is ours."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "mine.py").write_text(MODULE)
    for name in ("server", "tests", "loadtests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('this is not ours')")
    (folder / "pyproject.toml").write_text('[tool.locust]\nrun-time = "1s"\nusers = 3\n')
    return folder


@pytest.fixture(scope="session")
def survived(database: None, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Survived:
    """Begin a run, kill it with all its processes after two rounds, and resume it."""
    folder = tmp_path_factory.mktemp("runs") / "new" / "run"
    options = (*SERVER, "--beyond", "faults=1s", "--output", str(folder), "--seed", SEED)
    words = (*BRIEFLY, *CELLS, *options)
    with begun(tmp_path_factory.mktemp("said"), *words, directory=home) as command:
        soon(lambda: written(folder).count('"line": "trial"') >= PLAYED * len(MODELS[:2]), LONG_S)
        for process in command.below():
            process.kill()
        command.kill()
    ended = run(*words, directory=home)
    quiet(ended)
    assert (ended.code, ended.err) == (0, ""), ended.out
    lines = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
    return Survived(ended, folder, lines, json.loads((folder / "summary.json").read_text()))


def written(folder: Path) -> str:
    file = folder / "run.jsonl"
    return file.read_text() if file.exists() else ""
