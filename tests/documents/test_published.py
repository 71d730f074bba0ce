"""What README and RESULTS show of runs is what the published run files contain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.errors import RunFileError
from loadtests.paths import ROOT
from loadtests.report.summary import summarize
from loadtests.report.survival.json import as_json
from loadtests.report.survival.sections import prediction_quality
from loadtests.run.file.cells import CellResult
from loadtests.run.file.fold import read
from loadtests.run.options import Options
from loadtests.service.options import ServerOptions
from loadtests.service.pythons import ServerPython
from scripts.checks.publish.keep import keep
from scripts.checks.publish.pages import RUNS, block, filled, made, names
from tests.loadtests.report.test_sections import SURGED
from tests.support.run_files import FULL, measured, plan, result, trial, write
from tests.support.timelines import within_a_third

if TYPE_CHECKING:
    from pathlib import Path

    from loadtests.run.file.lines import Line

HEADLINE = ROOT / RUNS / "headline"


def test_pages_and_pictures_are_fresh() -> None:
    pages = made(ROOT)
    assert len(pages) > 3
    stale = [path.name for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run scripts/publish"


def test_every_page_shows_the_headline_run() -> None:
    for page in ("README.md", "loadtests/RESULTS.md"):
        assert any(name.startswith("headline") for name in names((ROOT / page).read_text()))


def test_a_block_is_filled_and_the_rest_of_the_page_is_left_alone() -> None:
    page = "Before.\n<!-- generated: one -->\nold\n<!-- end -->\nAfter.\n"
    once = filled(page, lambda name: f"all of {name}")
    assert once == "Before.\n<!-- generated: one -->\n\nall of one\n\n<!-- end -->\nAfter.\n"
    assert filled(once, lambda name: f"all of {name}") == once
    with pytest.raises(ValueError, match="has no end"):
        filled("<!-- generated: one -->\nold\n", str)
    with pytest.raises(RunFileError, match="is called 'headlin'"):
        block("README.md", {}, "headlin")


def test_the_lanes_of_a_surge_are_described_in_words(tmp_path: Path) -> None:
    line = {"line": "beyond", "workload": "primes", "model": "inline", "kind": "surge", **SURGED}
    run = [plan([("primes", "inline")]), result("primes", "inline", 40, 44), line]
    runs = {"surge": summarize(read(write(tmp_path / "run.jsonl", run)))}
    shown = block("loadtests/RESULTS.md", runs, "surge lanes")
    assert shown.startswith("![`primes` under inline: 20 req/s for 2 s, then 100 req/s for 4 s,")
    assert shown.endswith("](published/pictures/surge-lanes.svg)")


def test_a_published_run_has_the_same_summary(tmp_path: Path) -> None:
    line = trial("sleep", "inline", 14.123456789, evidence={"much": 1.0})
    before = tmp_path / "before"
    write(before / "run.jsonl", [FULL[0], line, *FULL[1:]])
    keep(before, tmp_path / "after")
    kept, whole = (read(folder) for folder in (tmp_path / "after", before))
    assert as_json(summarize(kept)) == as_json(summarize(whole))
    assert kept.trials[0].rate == pytest.approx(14.1235)
    assert "evidence" not in (tmp_path / "after" / "run.jsonl").read_text()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([plan([])], "contains no finished run"),
        ([plan([], slo="/home/me/x"), FULL[-1]], "contains a path of this machine, '/home/me/x"),
    ],
)
def test_an_unfinished_run_or_one_with_paths_is_not_published(
    lines: list[Line], message: str, tmp_path: Path
) -> None:
    write(tmp_path / "run.jsonl", lines)
    with pytest.raises(RunFileError, match=message):
        keep(tmp_path, tmp_path / "after")
    assert not (tmp_path / "after").exists()


def test_paths_of_pythons_are_reduced_to_their_names(tmp_path: Path) -> None:
    arguments = {"server_python": ["3.13", "/opt/py/bin/python3.13t"]}
    write(tmp_path / "run.jsonl", [plan([], arguments=arguments), FULL[-1]])
    keep(tmp_path, tmp_path / "after")
    assert read(tmp_path / "after").plan.arguments["server_python"] == ["3.13", "python3.13t"]


def test_executables_of_servers_are_reduced_to_their_names(tmp_path: Path) -> None:
    python = ServerPython("3.13t", "/home/me/bin/python3.13t", "~/bin/python3.13t")
    options = Options(servers=ServerOptions(pythons=(python,))).record()
    write(tmp_path / "run.jsonl", [{**plan([]), "options": options}, FULL[-1]])
    keep(tmp_path, tmp_path / "after")
    first, _ = (tmp_path / "after" / "run.jsonl").read_text().splitlines()
    assert json.loads(first)["options"]["servers"]["pythons"] == [
        {"label": "3.13t", "executable": "python3.13t", "name": "python3.13t"}
    ]


SCORES = [("a", 0.5), ("b", 1.0), ("c", 1.2)]


def test_predictions_are_summed_up() -> None:
    cells = [
        measured(result("primes", name, 100 * score, 100 * score, predicted=100.0))
        for name, score in SCORES
    ]
    assert prediction_quality(cells).endswith(
        "median 1.00, within 25 % of 1 for 2, from 0.50 (`primes` under a) to 1.20 (`primes` "
        "under c)."
    )
    assert prediction_quality([CellResult("primes", "a")]) == ""


def test_time_left_was_right_in_the_headline_run() -> None:
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in (HEADLINE / "run.jsonl").read_text().splitlines()
    ]
    assert within_a_third(lines) > 0.7, "as on the timelines of its own test"
