"""A surge on its page and in the terminal: complete, offline, and with its progress."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Browser
from rich.console import Console

from loadtests.report.surge.files import Surged
from loadtests.report.surge.results import load_text, sentences, title, warnings
from loadtests.report.surge.terminal import AHEAD_S, AROUND_S, SurgeScreen
from loadtests.run.file.lines import Line
from loadtests.run.surge.lines import OutcomeCounts, columns
from loadtests.run.surge.phases import NAMES
from tests.loadtests.report.test_report_page import text_of
from tests.support.browser import ON_ITS_LOOP, check_offline
from tests.support.finished_report import reported
from tests.support.run_files import write

if TYPE_CHECKING:
    from pathlib import Path

    from loadtests.run.surge.lines import Surge

POLICIES = ["unbounded", "bounded", "deadline"]
EVIL = "The <script>alert(1)</script> & more."
SERIES = [
    *[OutcomeCounts(40, good=40)] * 2,
    *[OutcomeCounts(200, good=20, late=30, refused=100, gave_up=40, failed=10)] * 2,
    *[OutcomeCounts(40, good=30, late=10)] * 2,
]
COUNTS = [
    OutcomeCounts(80, good=80),
    OutcomeCounts(400, 40, 60, 200, 80, 20),
    OutcomeCounts(80, good=60, late=20),
]
RUN: dict[str, Any] = {
    "line": "run", "schema": 2, "mode": "surge", "started": "2026-11-20T10:00:00Z",
    "environment": {"cpu": "Fast <b>", "cores": 2}, "command": "scripts/surge --slo 'p99<250ms'",
    "seed": 1, "workload": "primes", "model": "inline", "policies": [*POLICIES, "lifo"],
    "slo": "p99<250ms", "durations": [2, 2, 2],
}  # fmt: skip


def policy(name: str, recovery_s: float | None) -> dict[str, Any]:
    phases = [
        {"name": phase, "start_s": 2 * at, "duration_s": 2, "rate": counts.offered / 2,
         "p99_ms": 123.0, "counts": asdict(counts)}
        for at, (phase, counts) in enumerate(zip(NAMES, COUNTS, strict=True))
    ]  # fmt: skip
    return {"line": "policy", "policy": name, "phases": phases, "series": columns(SERIES),
        "recovery_s": recovery_s, "queue": 12 if name == "bounded" else None, "held": 9,
        "waited_for": 1, "flaws": [EVIL] if name == "deadline" else []}  # fmt: skip


LINES = [
    RUN,
    {"line": "capacity", "at": 1, "capacity": 80.0, "target_s": 0.15},
    *(policy(name, took) for name, took in zip(POLICIES, (None, 0.2, 1.5), strict=True)),
    {"line": "policy", "policy": "lifo", "error": EVIL},
    {"line": "end", "at": 9, "exit": 3, "reason": None},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("surge")
    write(path / "run.jsonl", LINES)
    return path


@pytest.fixture(scope="module")
def surge(folder: Path) -> Surge:
    return reported(folder, Surged).surge


@pytest.fixture
def page(folder: Path, surge: Surge) -> str:
    assert surge.measured
    return (folder / "report.html").read_text(encoding="utf-8")


def test_every_sentence_policy_and_warning_is_on_the_page(page: str, surge: Surge) -> None:
    text = text_of(page)
    texts = (title(surge), load_text(surge), *sentences(surge), *warnings(surge), surge.command)
    assert [missing for missing in texts if missing not in text] == []
    for name in POLICIES:
        assert re.search(rf'<th scope="row"><span class="model"[^>]*>{name}</span>', page)
    assert "never, within 2 s" in text
    assert "1.5 s later" in text
    assert "Each policy had a freshly started server" in text
    assert "for 1 s" in text, "the objective must hold for half of the last phase"


def test_the_constants_are_those_of_the_run_file(tmp_path: Path) -> None:
    constants = {
        "loads": [0.4, 3.5, 0.6], "settle_s": 7.5, "patience_s": 9, "held_s": 0.75, "probes": 5
    }  # fmt: skip
    write(tmp_path / "run.jsonl", [{**RUN, "constants": constants}, *LINES[1:]])
    reported(tmp_path, Surged)
    text = text_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    for used in ("40 %", "350 %", "60 %", "7.5 s", "answer 9 s", "for 0.75 s", "best of 5"):
        assert used in text


def test_markup_in_a_run_file_is_escaped(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more." in page
    assert "Fast &lt;b&gt;" in page


def test_each_second_and_each_phase_are_on_the_page_as_numbers(page: str) -> None:
    tables = re.findall(r"<table>.*?</table>", page, flags=re.DOTALL)
    phases, *seconds = tables
    assert phases.count("<tr>") == 1 + 3 * len(POLICIES)
    assert [table.count("<tr>") for table in seconds] == [1 + len(SERIES)] * len(POLICIES)
    assert re.sub(r"<[^>]*>", " ", seconds[0]).split()[-8:-5] == ["after", "5", "40"]


def test_the_page_loads_nothing_and_its_charts_have_descriptions(page: str) -> None:
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "url(http" not in page
    assert "@import" not in page
    charts = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.get("role") == "img"
        assert all(name in (root[1].text or "") for name in POLICIES)
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))


def test_a_surge_without_results_has_a_report(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", [RUN, {"line": "end", "exit": 3, "reason": "no answer"}])
    reported(tmp_path, Surged)
    text = text_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Nothing was measured." in text
    assert "no answer" in text


@ON_ITS_LOOP
async def test_it_opens_offline_fits_and_follows_the_scheme(
    folder: Path, surge: Surge, browser: Browser
) -> None:
    assert surge.measured
    await check_offline(browser, folder / "report.html", 2)


TWO = {**RUN, "policies": ["unbounded", "bounded"], "durations": [5, 8, 15]}


def start(policy: str, at: float) -> Line:
    return {"line": "policy-start", "policy": policy, "at": at}


def shown(screen: SurgeScreen, now: float) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(screen.render(now))
    return captured.get()


def test_progress_names_policy_and_phase_and_the_time_left() -> None:
    screen = SurgeScreen(Console(file=io.StringIO(), force_terminal=True))
    assert "starting …" in shown(screen, 0)
    screen.update(TWO)
    assert "measuring the capacity …" in shown(screen, 1)
    screen.update(LINES[1])
    screen.update(start("unbounded", 10.0))
    for after, phase in ((0, "settling"), (AHEAD_S + 1, "before"), (AHEAD_S + 6, "surge")):
        assert f"unbounded: {phase} …" in shown(screen, 10.0 + after)
    assert "0 of 2 policies, about 64 s left" in shown(screen, 10.0)
    assert "about 54 s left" in shown(screen, 20.0)
    screen.update(LINES[2])
    screen.update(start("bounded", 10.0 + 28 + AROUND_S))
    text = shown(screen, 42.0 + AHEAD_S + 14)
    assert "[1/2] unbounded: ▅▅▃▃▄▄" in text
    assert "bounded: after …" in text
    assert "1 of 2 policies" in text


def test_elsewhere_each_policy_is_one_plain_line() -> None:
    file = io.StringIO()
    screen = SurgeScreen(Console(file=file, width=40))
    lines: tuple[Line, ...] = (TWO, LINES[1], start("unbounded", 1), LINES[2], start("bounded", 2))
    for line in (*lines, {"line": "policy", "policy": "bounded", "error": "it broke"}):
        screen.update(line)
    assert file.getvalue().splitlines() == [
        "primes under inline: unbounded, bounded; about 64 s",
        "capacity: about 80 req/s",
        "[1/2] unbounded: ▅▅▃▃▄▄; about 32 s left",
        "[2/2] bounded: no result",
    ]
