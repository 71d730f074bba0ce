"""A run goes on by its folder alone: with its options, and with no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loadtests.__main__ import main
from loadtests.commands.parser import parser
from loadtests.commands.survive import request
from loadtests.errors import RunFileError
from loadtests.run.options import Options
from loadtests.run.survival.history import resumable
from loadtests.service.options import ServerOptions
from loadtests.slo import Slo
from tests.support.run_files import plan, result, unavailable, write

if TYPE_CHECKING:
    from loadtests.run.file.lines import Line

CELLS = [("primes", "inline"), ("primes", "thread-pool"), ("primes", "async")]
CHOSEN = Options.choose(
    slo=Slo(95, 0.5),
    workloads=("primes",),
    models=tuple(model for _, model in CELLS),
    parameters={"primes": {"below": "5000"}},
    budget_s=1800.0,
    mode="full",
    beyond={"spike": 5.0},
    servers=ServerOptions({"threads": "4"}, pythons=ServerOptions().pythons),
    generators=2,
    seed=7,
)
FIRST = plan(CELLS, options=CHOSEN.record())
LINES: list[Line] = [
    FIRST,
    result("primes", "inline", 50, 55),
    result("primes", "thread-pool", None, None, error="no valid trial"),
    unavailable("primes", "async", "no native async twin"),
    {"line": "beyond", "workload": "primes", "model": "inline", "kind": "spike", "at": 40.0},
    {"line": "end", "at": 41.0, "exit": 0, "reason": None},
]


def retried(folder: Path, *lines: Line) -> Options:
    write(folder / "run.jsonl", lines)
    options, output = request(parser().parse_args(["survive", "--retry", str(folder)]))
    assert output == folder
    resumable(folder, {"options": options.record()})
    return options


def test_a_run_goes_on_with_the_options_it_was_begun_with(tmp_path: Path) -> None:
    options = retried(tmp_path, *LINES)
    assert options == replace(CHOSEN, servers=replace(CHOSEN.servers, directory=str(Path.cwd())))
    assert options.record() == CHOSEN.record()


def test_what_was_added_to_a_run_since_is_among_them(tmp_path: Path) -> None:
    more = replace(CHOSEN, prove=True, budget_s=60.0)
    resumed = {"line": "resumed", "at": 50.0, "options": more.record()}
    assert retried(tmp_path, *LINES, resumed).record() == more.record()


def test_modules_are_loaded_from_where_they_were(tmp_path: Path) -> None:
    servers = ServerOptions(modules=("/home/mine.py",), directory="/home")
    own = replace(CHOSEN, servers=servers)
    options = retried(tmp_path, {**FIRST, "options": own.record()}, *LINES[1:])
    assert options.servers == servers


def test_a_complete_run_has_nothing_to_retry(tmp_path: Path) -> None:
    spike = {**LINES[4], "model": "thread-pool"}
    with pytest.raises(RunFileError, match="holds a complete run already"):
        retried(tmp_path, *LINES, result("primes", "thread-pool", 60, 70), spike)


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ("--models inline", "--models"),
        ("--slo p99<100ms", "--slo"),
        ("--param primes.below=7", "--param"),
        ("--full", "--full"),
        ("--prove", "--prove"),
        ("--budget 30m", "--budget"),
        ("--generators 2", "--generators"),
        ("--threads 8", "--threads=8"),
        ("--start-method spawn", "--start-method=spawn"),
        ("--server-python 3.13", "--server-python=3.13"),
        ("--host http://127.0.0.1:1", "--host"),
        ("--output elsewhere", "--output"),
    ],
)
def test_no_other_option_may_change_the_run(
    words: str, flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "run.jsonl", LINES)
    before = file.read_bytes()
    assert main(["survive", "--retry", str(tmp_path), *words.split(), "--json"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"--retry goes on with the run in {tmp_path} as it was begun, so {flag} cannot" in line
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (None, "run.jsonl"),
        (
            {**FIRST, "schema": 1},
            "the run file has schema 1, but this version of loadbearing reads schema 2",
        ),
        (plan(CELLS), "does not say with which options its run was begun"),
    ],
    ids=["no run", "an older one", "without options"],
)
def test_a_folder_without_a_run_to_go_on_with_is_refused(
    first: Line | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if first is not None:
        write(tmp_path / "run.jsonl", [first, *LINES[1:]])
    assert main(["survive", "--retry", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
