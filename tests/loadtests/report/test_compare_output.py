"""A comparison can be read in the terminal, in Markdown, as JSON and as a page, and by a build."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadtests.__main__ import parser
from loadtests.commands.compare import of_folders, written
from loadtests.errors import RunFileError
from loadtests.report.compare.comparison import Comparison
from loadtests.report.compare.html import axis_of
from loadtests.report.compare.terminal import final
from tests.support import cli
from tests.support.browser import NARROW, WIDE, Scheme, chromium, watched
from tests.support.compared_runs import compared, run_of
from tests.support.run_files import FULL, FULL_RESULTS, plan, result, write

NASTY = "a<b>&|[red]c"
SLOWER = [
    {**line, "held": line["held"] / 2, "broke": line["broke"] / 2}
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
    return compared(
        first, run_of({**cell, "held": 180, "broke": 190}, environment={"commit": NASTY})
    )


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
    assert text.count("▼ 0.4") == later
    assert text.index("bears 0.4") < text.index("req/s ") < text.index("Nothing is known to differ")
    assert "…" not in text


def test_what_looks_like_markup_is_text(nasty: Comparison) -> None:
    assert NASTY in drawn(nasty, 120)
    text = written(nasty, "markdown")
    assert "<b>" not in text
    assert "a&lt;b&gt;&amp;\\|[red]c" in text
    page = written(nasty, "html")
    assert "<b>" not in page
    assert "a&lt;b&gt;&amp;|[red]c" in page


def test_rows_of_markdown_have_as_many_fields_as_their_head(folders: list[Path]) -> None:
    text = written(of_folders([*folders, folders[1]]), "markdown")
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line[:1] == "|"}
    assert widths == {8}
    assert "**▼ 0.4" in text


def test_json_is_complete_and_finite(folders: list[Path]) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    found = json.loads(written(of_folders(folders), "json"), parse_constant=refuse)
    assert found["regressions"] == 1
    (cell,) = (cell for cell in found["cells"] if cell["later"][0]["regression"])
    assert (cell["workload"], cell["model"], cell["python"]) == ("primes", "thread-pool", None)
    assert cell["later"][0]["bears"] == "less"
    assert [run["label"] for run in found["runs"]] == ["before", "after"]
    unbounded = next(cell for cell in found["cells"] if cell["first"]["held"] == 1310.0)
    assert unbounded["later"][0]["interval"] == [0.0, None]


def test_the_axis_of_the_page_holds_all_intervals(folders: list[Path]) -> None:
    axis = axis_of(of_folders(folders))
    assert axis.end == 3.0
    assert axis.place(1 / 3) == pytest.approx(0)
    assert axis.place(1) == 50
    assert axis.place(3) == pytest.approx(100)
    assert (axis.place(0), axis.place(float("inf"))) == (0, 100)


def test_what_cannot_be_compared_is_said(folders: list[Path], tmp_path: Path) -> None:
    write(tmp_path / "other" / "run.jsonl", [plan([("w", "m")]), result("w", "m", 1, 2)])
    write(tmp_path / "begun" / "run.jsonl", [plan([("w", "m")])])
    (tmp_path / "bare").mkdir()
    write(tmp_path / "surge" / "run.jsonl", [{**plan([]), "mode": "surge", "cells": None}])
    for others, said in (
        ([], "two runs at least"),
        (
            [tmp_path / "nowhere"],
            "nowhere does not exist; name the folder of a run",
        ),
        ([tmp_path], "does not contain a run .*; name one of the runs below it, e.g. .*/surge"),
        ([tmp_path / "bare"], "bare does not contain a run .*; name the folder of a run"),
        ([tmp_path / "begun"], "begun has no result: its run ended before it had one"),
        ([tmp_path / "other"], "before and other have no cell in common that both have measured"),
        ([tmp_path / "surge"], "holds a surge, not a survival run"),
    ):
        with pytest.raises(RunFileError, match=said):
            of_folders([folders[0], *others])


def test_folders_of_one_name_are_told_apart_by_their_parents(tmp_path: Path) -> None:
    for parent in ("one", "other"):
        write(tmp_path / parent / "latest" / "run.jsonl", FULL)
    found = of_folders([tmp_path / parent / "latest" for parent in ("one", "other")])
    assert [side.label for side in found.sides] == ["one/latest", "other/latest"]


def test_a_build_compares_two_runs(folders: list[Path], tmp_path: Path) -> None:
    names = list(map(str, folders))
    same = cli.run("loadtests", "compare", names[0], names[0])
    assert (same.code, same.err) == (0, "")
    page = tmp_path / "pages" / "comparison.html"
    worse = cli.run("loadtests", "compare", *names, "--output", str(page))
    assert (worse.code, worse.err) == (1, "")
    assert "after bears 0.4" in worse.out
    assert "\x1b" not in worse.out
    assert page.read_text().startswith("<!doctype html>")
    forgiven = cli.run("loadtests", "compare", *names, "--tolerance", "60%", "--format", "json")
    assert forgiven.code == 0
    assert json.loads(forgiven.out)["tolerance"] == 0.6
    lost = cli.run("loadtests", "compare", *names, "--output", str(tmp_path))
    assert (lost.code, lost.out) == (2, "")
    assert lost.err.startswith(
        f"python -m loadtests: {tmp_path} is a folder; --output takes a file"
    )


@pytest.mark.parametrize("text", ["lots", "-1%", "100%", "nan"])
def test_a_tolerance_is_a_share(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["compare", "a", "b", "--tolerance", "10%"]).tolerance == 0.1
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["compare", "a", "b", f"--tolerance={text}"])
    assert f"{text!r} is no tolerance; give a share such as 10%" in capsys.readouterr().err


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
async def test_the_page_opens_offline_and_fits(
    folders: list[Path], tmp_path: Path, width: int, scheme: Scheme
) -> None:
    page = tmp_path / "comparison.html"
    page.write_text(written(of_folders([*folders, folders[1]]), "html"), encoding="utf-8")
    async with chromium() as browser:
        one = await watched(browser, width, scheme)
        await one.page.goto(page.as_uri())
        assert one.errors == []
        assert [url for url in one.requests if not url.startswith(("file:", "data:"))] == []
        assert await one.overflow() <= 0
        assert await one.page.locator("td.less circle").count() == 2
        assert "after (1) bears 0.4" in await one.page.inner_text("main")
