"""A module of five lines, outside the checkout, is measured from end to end with one command."""

import sys
from pathlib import Path

import pytest

from tests.support.cli import run
from tests.support.resumed_run import LABEL, MODULE, Survived


def test_it_is_measured_and_what_cannot_run_says_why(survived: Survived) -> None:
    inline, _, native = survived.summary["cells"]
    assert [inline[key] for key in ("workload", "model", "python")] == ["nap", "inline", LABEL]
    assert 0 < inline["held"] < 100, "each request blocks the loop for 10 ms"
    assert native["held"] is None
    assert "asynchronous twin" in native["unavailable"]
    assert f"nap / inline · {LABEL}: " in survived.ended.out
    assert f"async · {LABEL}" in survived.ended.out


def test_what_it_was_measured_with_is_told(survived: Survived) -> None:
    environment = survived.summary["environment"]
    assert list(environment["servers"]) == [LABEL]
    assert environment["servers"][LABEL] == environment["server"]
    assert environment["server"]["start_method"] == "fork"
    [forked] = [said for said in survived.summary["warnings"] if "fork" in said]
    assert forked.startswith(f"The server on {LABEL}: ")


def test_the_command_that_repeats_it_stands_in_the_summary(survived: Survived) -> None:
    text = (survived.folder / "summary.md").read_text()
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
