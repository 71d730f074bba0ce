"""A run of someone else, full of markup and control characters, has a report that is only text."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.async_api import Browser

from loadtests.foreign import LONGEST, harmless, line
from loadtests.report.survival.files import SurvivalReport
from loadtests.run.file.lines import Line
from tests.support.browser import ON_ITS_LOOP, watched
from tests.support.finished_report import printed, reported
from tests.support.hostile_workloads import HOSTILE, MARKUP
from tests.support.run_files import ENVIRONMENT, plan, result, standing, trial, write

CELLS = [(HOSTILE, "inline"), (HOSTILE, "thread-pool")]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def lines() -> list[Line]:
    results = [
        result(HOSTILE, "inline", 80, 90, HOSTILE, error=HOSTILE),
        result(HOSTILE, "thread-pool", 40, 45, HOSTILE),
    ]
    described = {HOSTILE: {"doc": HOSTILE, "parameters": {}}}
    environment = {**ENVIRONMENT, "cpu": HOSTILE, "kernel": HOSTILE}
    return [
        plan(CELLS, environment=environment, workloads=described, command=f"```\n{HOSTILE}"),
        *(trial(*cell, 40) for cell in CELLS),
        *results,
        standing(results),
        {"line": "end", "at": 60.0, "exit": 1, "reason": HOSTILE},
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreign")
    write(folder / "run.jsonl", lines())
    reported(folder, SurvivalReport)
    return folder


def test_nothing_acts_on_a_terminal(folder: Path) -> None:
    shown = printed(SurvivalReport(folder, verbose=True).shown(), 120)
    assert not CONTROL.search(shown)
    assert "[red]" in shown


def test_every_file_of_it_is_text(folder: Path) -> None:
    for name in ("report.html", "summary.md", "summary.json", "survival.svg", "capacity.svg"):
        text = (folder / name).read_text()
        assert not CONTROL.search(text), name
        if name.endswith(".svg"):
            ET.fromstring(text)
    page = (folder / "report.html").read_text()
    assert "<img" not in page
    assert page.count("<script>") == 1
    outside = re.sub(
        r"(`{3,})sh\n.*?\n\1\n|`[^`]*`", "", (folder / "summary.md").read_text(), flags=re.DOTALL
    )
    assert "<img" not in outside
    assert json.loads((folder / "summary.json").read_text())


@ON_ITS_LOOP
async def test_a_browser_runs_nothing_of_it(folder: Path, browser: Browser) -> None:
    tab = await watched(browser)
    await tab.page.goto((folder / "report.html").as_uri())
    assert await tab.page.evaluate("window.ran ?? document.images.length") == 0
    assert MARKUP in (await tab.page.text_content("main") or "")
    assert tab.errors == []
    await tab.close()


def test_what_acts_is_shown_as_its_code() -> None:
    assert harmless({"\x1b": ["\u202ea\n", 1, None]}) == {"\\u001b": ["\\u202ea\n", 1, None]}
    assert line(" a\r\n\tb\x00 ") == "a b\\u0000"
    assert len(line("x" * 10_000)) == LONGEST + 1
