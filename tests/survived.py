"""One survival run that was killed in the middle and resumed, for all tests that look at it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.commands import LONG_S, Ended, begun, quiet, run, soon

SURVIVE = ("loadtests", "survive")
CELLS = ("--workloads", "sleep", "--models", "inline,process-pool", "--param", "sleep.ms=10")


@dataclass(frozen=True, slots=True)
class Survived:
    """A finished run, its folder, and what the summary says of each model."""

    ended: Ended
    folder: Path
    lines: list[dict[str, Any]]
    summary: dict[str, Any]

    def cell(self, model: str) -> dict[str, Any]:
        [cell] = [one for one in self.summary["cells"] if one["model"] == model]
        return dict(cell)


@pytest.fixture(scope="session")
def survived(database: None, tmp_path_factory: pytest.TempPathFactory) -> Survived:
    """Begin a run, kill it with all its processes after the first of two cells, and resume it."""
    folder = tmp_path_factory.mktemp("runs") / "new" / "run"
    options = ("--switch-interval", "1ms", "--beyond", "faults=1s")
    words = (*SURVIVE, *CELLS, *options, "--output", str(folder), "--seed", "3")
    with begun(tmp_path_factory.mktemp("said"), *words) as command:
        soon(lambda: '"line": "cell",' in written(folder), LONG_S)
        for process in command.below():
            process.kill()
        command.kill()
    ended = run(*words)
    quiet(ended)
    assert (ended.code, ended.err) == (0, ""), ended.out
    lines = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
    return Survived(ended, folder, lines, json.loads((folder / "summary.json").read_text()))


def written(folder: Path) -> str:
    file = folder / "run.jsonl"
    return file.read_text() if file.exists() else ""
