"""The command line: errors in one line with what may have been meant, help, and versions."""

import os
import re
import subprocess
import sys

import pytest

from loadtests.__main__ import main
from loadtests.commands.parser import MODELS, SUMMARY, WORKLOADS, options_of, parser
from loadtests.run.beyond.kinds import KINDS
from server.settings import BUILT_IN
from server.tables import MODELS as SERVERS_MODELS
from server.workloads import cpu, io, mixed, postgres  # noqa: F401 - they register what they declare
from server.workloads.registry import REGISTRY
from tests.support.cli import run
from tests.support.server_process import ROOT


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "required: COMMAND"),
        ("surviv", "unknown value 'surviv'; did you mean 'survive'?"),
        ("xyz", "unknown value 'xyz'; expected survive, up, report, compare"),
        ("survive --quick --full", "not allowed with argument"),
        ("survive --workload x", "unknown option '--workload'; did you mean '--workloads'?"),
        ("survive --xyzzy", "unknown option '--xyzzy'"),
        ("survive --modles x", "unknown option '--modles'; did you mean '--models'?"),
        ("survive --python 3.14", "unknown option '--python'; did you mean '--server-python'?"),
        ("survive --port 1", "unknown option '--port'"),
        (
            "survive --rate=100",
            "unknown option '--rate': the rate is what survive finds; to check one",
        ),
        ("survive --users 5", "unknown option '--users': requests start on a schedule, no matter"),
        (
            "survive --duration 1m",
            "unknown option '--duration': rounds go on until the answer is sure",
        ),
        (
            "survive --models inline async",
            "unexpected argument 'async' (separate list items with commas",
        ),
        ("survive --models ,", "',' names nothing"),
        ("survive --host=", "argument --host is empty"),
        ("survive --budget 0s", "invalid duration '0s': expected more than 0"),
        ("survive --slo nonsense", "invalid SLO 'nonsense'"),
        ("survive --param sleep", "invalid parameter 'sleep': expected e.g. primes.below=5000"),
        ("survive --beyond sok=1s", "unknown kind of load 'sok'; did you mean 'soak'?"),
        ("survive --at-least -1", "invalid rate '-1': expected requests per second, e.g. 250"),
        ("survive --seed x", "invalid seed 'x': expected 0 to"),
        ("survive --at-least a=1,b", "invalid rate 'b': expected requests per second"),
        ("survive --at-least =5", "invalid floor '=5': expected e.g. 200 or orders=200"),
        ("up --web 1", "unknown option '--web'; did you mean '--web-port'?"),
        ("up --web-port 65536", "invalid port '65536': expected 1 to 65535"),
        ("compare a b --format markdwn", "unknown value 'markdwn'; did you mean 'markdown'?"),
    ],
)
def test_an_error_is_one_line_without_a_page_of_usage(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    line, help_line = capsys.readouterr().err.splitlines()
    assert ": error: " in line
    assert message in line
    assert ("did you mean" in line) == ("did you mean" in message)
    assert re.fullmatch("For all options: python -m loadtests ?[a-z]* --help", help_line)


def test_help_loads_nothing_that_draws_or_measures() -> None:
    code = (
        "import sys\nfrom loadtests.__main__ import main\ntry: main(['--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    names = set(loaded.stdout.decode().splitlines()[-1].split())
    assert "loadtests.commands.parser" in names
    assert not names & {"gevent", "jinja2", "locust", "rich", "psutil"}


def test_help_lists_the_names_that_the_server_has() -> None:
    assert tuple(SERVERS_MODELS) == MODELS
    assert {*REGISTRY} >= {*WORKLOADS}
    assert {entry.name for entry in REGISTRY.values() if entry.source in BUILT_IN} == {*WORKLOADS}
    shown = " ".join(run("loadtests", "survive", "--help").out.split())
    assert f"workloads: {', '.join(WORKLOADS)}" in shown
    assert f"models: {', '.join(MODELS)}" in shown


@pytest.mark.parametrize("command", SUMMARY)
def test_a_command_calls_itself_by_its_script(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = ROOT / "scripts" / command
    lines = script.read_text().splitlines()
    assert lines[-1] == f'launch loadtests {command} "$@"'
    assert 'LOADTESTS_SCRIPT="$0"' in script.with_name("shared").read_text()
    assert os.access(script, os.X_OK)
    monkeypatch.setenv("LOADTESTS_SCRIPT", f"scripts/{command}")
    shown = run("loadtests", command, "--help")
    assert shown.out.startswith(f"usage: scripts/{command} ")
    assert SUMMARY[command] in shown.out
    assert f"example: scripts/{command} " in shown.out
    wrong = run("loadtests", command, "--xyzzy")
    assert wrong.err.startswith(f"scripts/{command}: error: ")
    assert wrong.err.endswith(f"For all options: scripts/{command} --help\n")


def test_a_surge_is_a_run_of_one_cell() -> None:
    last = (ROOT / "scripts" / "surge").read_text().splitlines()[-1]
    parsed = parser().parse_args(["survive", *last.removesuffix(' "$@"').split()[2:]])
    assert options_of(parsed).beyond == {"surge": KINDS["surge"].duration_s}
    assert options_of(parsed).cells == [("primes", "process-pool")]


def test_messages_name_the_script_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADTESTS_SCRIPT", "./scripts/report")
    assert run("loadtests", "report", "/no/such").err.startswith("./scripts/report: /no/such ")


@pytest.mark.parametrize("words", [("loadtests",), ("loadtests", "up"), ("server",)])
def test_the_version_is_that_of_the_project(words: tuple[str, ...]) -> None:
    ended = run(*words, "--version")
    assert (ended.code, ended.err) == (0, "")
    assert re.match(r"loadbearing \d+\.\d+\.\d+\b", ended.out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["survive", "--output", ""], "argument --output is empty"),
        (["survive", "--retry", " "], "argument --retry is empty"),
        (["report", ""], "an argument is empty"),
        (["compare", "a", ""], "an argument is empty"),
        (["up", "--web-host", ""], "argument --web-host is empty"),
    ],
)
def test_an_empty_value_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of a variable that is not set: it is neither a default nor the current folder."""
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert f": error: {message}\n" in capsys.readouterr().err
