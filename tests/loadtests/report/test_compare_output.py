"""A comparison can be read in the terminal, in Markdown and as JSON, and gives an exit code."""

import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadtests.commands.compare import of_folders, run, written
from loadtests.commands.parser import parser
from loadtests.errors import RunFileError
from loadtests.report.compare.comparison import Comparison
from loadtests.report.compare.terminal import final
from tests.support import cli
from tests.support.compared_runs import compared, run_of
from tests.support.run_files import FULL, FULL_RESULTS, plan, result, write

NASTY = "a<b>&|[red]c"
FEW = [("primes", "inline"), ("primes", "hybrid")]
SLOWER = [
    {**line, "interval": [end / 2 for end in line["interval"]]}
    if (line["workload"], line["model"]) == ("primes", "thread-pool")
    else line
    for line in FULL_RESULTS
]


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    write(tmp_path / "before" / "run.jsonl", FULL)
    write(tmp_path / "after" / "run.jsonl", [FULL[0], *SLOWER, FULL[-1]])
    return [tmp_path / "before", tmp_path / "after"]


@pytest.fixture
def nasty() -> Comparison:
    cell = result(NASTY, "thread-pool", 90, 97)
    first = run_of(cell, environment={"cpu": NASTY}, started="1")
    later = result(NASTY, "thread-pool", 180, 190)
    return compared(first, run_of(later, environment={"commit": NASTY}))


def drawn(comparison: Comparison, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(final(comparison))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("later", [1, 4])
def test_the_terminal_shows_every_ratio_within_its_width(
    folders: list[Path], width: int, later: int
) -> None:
    text = drawn(of_folders([folders[0], *[folders[1]] * later]), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert text.count("▼ 0.50") == later
    assert text.index("sustains 0.50") < text.index("req/s ") < text.index("The runs have the same")
    assert "…" not in text


def test_markup_in_names_is_shown_as_text(nasty: Comparison) -> None:
    assert NASTY in drawn(nasty, 120)
    text = written(nasty, "markdown")
    assert "<b>" not in text
    assert "a&lt;b&gt;&amp;\\|[red]c" in text


def test_markdown_rows_have_as_many_fields_as_their_header(folders: list[Path]) -> None:
    text = written(of_folders([*folders, folders[1]]), "markdown")
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line[:1] == "|"}
    assert widths == {8}
    assert "**▼ 0.50" in text


def test_json_is_complete_and_finite(folders: list[Path]) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    document = json.loads(written(of_folders(folders), "json"), parse_constant=refuse)
    assert document["regressions"] == 1
    (cell,) = (cell for cell in document["cells"] if cell["later"][0]["regression"])
    assert (cell["workload"], cell["model"], cell["variant"]) == ("primes", "thread-pool", None)
    assert cell["later"][0]["bears"] == "less"
    assert [run["label"] for run in document["runs"]] == ["before", "after"]
    unbounded = next(cell for cell in document["cells"] if cell["first"]["held"] == 1310.0)
    assert unbounded["later"][0]["interval"] == [0.0, None]


def test_runs_that_cannot_be_compared_are_rejected_with_the_reason(
    folders: list[Path], tmp_path: Path
) -> None:
    write(tmp_path / "other" / "run.jsonl", [plan([("w", "m")]), result("w", "m", 1, 2)])
    write(tmp_path / "begun" / "run.jsonl", [plan([("w", "m")])])
    (tmp_path / "bare").mkdir()
    write(tmp_path / "surge" / "run.jsonl", [{**plan([]), "mode": "surge", "cells": None}])
    for others, message in (
        ([], "at least two runs"),
        ([tmp_path / "nowhere"], "nowhere does not exist; name the folder of a run"),
        ([tmp_path], "does not contain a run .*; name one of the runs below it, e.g. .*/surge"),
        ([tmp_path / "bare"], "bare does not contain a run .*; name the folder of a run"),
        ([tmp_path / "begun"], "begun has no results, because its run ended too early"),
        ([tmp_path / "other"], "before and other have no measured cell in common"),
        (
            [tmp_path / "surge"],
            r"is that of a surge, but .*; read it with the version that wrote it \(0\.1\.0\)",
        ),
    ):
        with pytest.raises(RunFileError, match=message):
            of_folders([folders[0], *others])


def test_folders_of_the_same_name_are_labelled_with_their_parents(tmp_path: Path) -> None:
    for parent in ("one", "other"):
        write(tmp_path / parent / "latest" / "run.jsonl", FULL)
    comparison = of_folders([tmp_path / parent / "latest" for parent in ("one", "other")])
    assert [side.label for side in comparison.sides] == ["one/latest", "other/latest"]


def test_the_exit_code_is_1_for_a_regression(folders: list[Path], tmp_path: Path) -> None:
    names = list(map(str, folders))
    same = cli.run("loadtests", "compare", names[0], names[0])
    assert (same.code, same.err) == (0, "")
    file = tmp_path / "new" / "comparison.md"
    worse = cli.run("loadtests", "compare", *names, "--output", str(file))
    assert (worse.code, worse.err) == (1, "")
    assert "after sustains 0.50" in worse.out
    assert "\x1b" not in worse.out
    assert file.read_text().startswith("# after against before")
    forgiven = cli.run("loadtests", "compare", *names, "--tolerance", "60%", "--format", "json")
    assert forgiven.code == 0
    assert json.loads(forgiven.out)["tolerance"] == 0.6


def test_the_exit_code_is_3_where_the_machines_cannot_be_compared(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    few = [line for line in FULL_RESULTS if (line["workload"], line["model"]) in FEW]
    for folder, lines in zip(folders, (few, few[::-1]), strict=True):
        (folder / "run.jsonl").unlink()
        write(folder / "run.jsonl", [plan(FEW), *lines, FULL[-1]])
    assert run(parser().parse_args(["compare", *map(str, folders)])) == 3
    assert "Cannot tell whether after sustains more or less" in capsys.readouterr().out


def test_an_output_without_a_format_is_rejected(folders: list[Path], tmp_path: Path) -> None:
    for output, message in (
        (tmp_path, f"{tmp_path} is a folder; --output takes a file, e.g. "),
        (tmp_path / "page.html", r"page.html: no format has the ending .html; use .txt, .md or"),
    ):
        parsed = parser().parse_args(["compare", *map(str, folders), "--output", str(output)])
        with pytest.raises(RunFileError, match=message):
            run(parsed)


@pytest.mark.parametrize("text", ["lots", "-1%", "100%", "nan"])
def test_a_tolerance_has_to_be_a_share(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["compare", "a", "b", "--tolerance", "10%"]).tolerance == 0.1
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["compare", "a", "b", f"--tolerance={text}"])
    assert f"invalid tolerance {text!r}: expected a share, e.g. 10%" in capsys.readouterr().err
