"""A module of five lines, outside the checkout, is measured from end to end with one command."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests.pythons import interpreter
from tests.commands import Ended, run

MODULE = '''
import time
from server.workloads import workload

@workload(kind="io")
def nap(ms: int = 20) -> int:
    """Sleep for `ms`."""
    time.sleep(ms / 1000)
    return ms
'''
LABEL = interpreter(sys.executable).label


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have a folder of a user, who has a `server` and a configuration of Locust of their own."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "mine.py").write_text(MODULE)
    for name in ("server", "tests", "loadtests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('this is not ours')")
    (folder / "pyproject.toml").write_text('[tool.locust]\nrun-time = "1s"\nusers = 3\n')
    return folder


@pytest.fixture(scope="module")
def survived(database: None, folder: Path) -> tuple[Ended, dict[str, Any]]:
    cells = ("--workloads", "./mine.py", "--models", "inline,async", "--param", "nap.ms=10")
    how = ("--server-python", sys.executable, "--start-method", "fork")
    words = ("loadtests", "survive", *cells, *how)
    ended = run(*words, directory=folder)
    assert (ended.code, ended.err) == (0, ""), ended.out
    return ended, json.loads((folder / "results" / "latest" / "summary.json").read_text())


def test_it_is_measured_and_what_cannot_run_says_why(
    survived: tuple[Ended, dict[str, Any]],
) -> None:
    ended, summary = survived
    inline, native = summary["cells"]
    assert [inline[key] for key in ("workload", "model", "python")] == ["nap", "inline", LABEL]
    assert 0 < inline["held"] < 100, "each request blocks the loop for 10 ms"
    assert native["held"] is None
    assert "asynchronous twin" in native["unavailable"]
    assert f"nap / inline · {LABEL}: " in ended.out
    assert f"async · {LABEL}" in ended.out


def test_what_it_was_measured_with_is_told(survived: tuple[Ended, dict[str, Any]]) -> None:
    _, summary = survived
    environment = summary["environment"]
    assert list(environment["servers"]) == [LABEL]
    assert environment["servers"][LABEL] == environment["server"]
    assert environment["server"]["start_method"] == "fork"
    [forked] = [said for said in summary["warnings"] if "fork" in said]
    assert forked.startswith(f"The server on {LABEL}: ")


def test_the_command_that_repeats_it_stands_in_the_summary(
    survived: tuple[Ended, dict[str, Any]], folder: Path
) -> None:
    text = (folder / "results" / "latest" / "summary.md").read_text()
    for words in (
        "--workloads ./mine.py",
        "--param nap.ms=10",
        f"--server-python {sys.executable}",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("untyped.py", MODULE.replace("ms: int", "ms"), ("untyped.py:", "ms")),
        ("broken.py", "import nothing_like_it\n", ("broken.py:1", "nothing_like_it")),
        ("taken.py", MODULE.replace("def nap", "def sleep"), ("taken.py:", "sleep")),
    ],
)
def test_what_is_wrong_with_a_module_is_said_as_the_server_says_it(
    module: str, text: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / module).write_text(text)
    ended = run("loadtests", "survive", "--workloads", f"./{module}", directory=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert all(part in ended.err for part in said)
    assert "Traceback" not in ended.err
    assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == [module]
