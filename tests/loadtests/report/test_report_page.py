"""The page has everything that the summary has, and needs no network, script or colour."""

import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

import pytest
from playwright.async_api import Browser

from loadtests.report.colours import POLICIES
from loadtests.report.summary import Summary
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.setting import ADMISSION, admission, setting
from loadtests.report.survival.tables import TRIAL_HEADS
from loadtests.report.survival.terminal import final
from loadtests.report.wording import interval_text
from loadtests.run.file.lines import Line
from tests.support.browser import ON_ITS_LOOP, check_offline, watched
from tests.support.finished_report import printed, reported
from tests.support.run_files import (
    FULL,
    FULL_RESULTS,
    plan,
    result,
    standings,
    trial,
    unavailable,
    write,
)

MOST_BYTES = 1_500_000
STAGES = [0.001, 0.02, 0.08, 0.001, 0.03, 0.01, 0.002]
DISTURBED = "The cores were <slow> now & then."
DANGLING = """Array.from(document.querySelectorAll('a[href^="#"]'))
    .filter((link) => !document.getElementById(link.hash.slice(1))).map(String)"""
AGAIN = "of the row that was measured again"


def trials(line: Line) -> list[Line]:
    """Make up the trials of a cell: three that passed, two that failed, and a void one.

    One more is of the row that is measured again, under another name.
    """
    cell, held = (line["workload"], line["model"]), line["interval"][0] or 1.0
    valid = []
    for number, share in enumerate((0.9, 0.95, 1.0, 1.06, 1.12)):
        broke = share > 1
        work = {
            "scheduled": 300,
            "ok": 200 if broke else 299,
            "loss_ratio": 1 / 3 if broke else 1 / 300,
            "p50_ms": 20.0 * share,
            "p99_ms": None if broke else 200.0 * share,
            "goodput": 0.7 * held if broke else share * held,
            "spectrum_ms": [20, 30, 50, 90, 150, None, None],
        }
        evidence: dict[str, object] = {
            "loop_lag_p99_s": 0.01 * share,
            "server_cores": share,
            "gil": 0.4 * share,
        }
        evidence |= {"typical": STAGES, "late": [2 * stage for stage in STAGES]}
        cause = {"name": "GIL", "sentence": "the GIL was held"} if broke else None
        valid.append(
            trial(*cell, share * held, at=10.0 * number, held=not broke, work=work,
                evidence=evidence, broke_by="late" if broke else None, pss_mib=90 + share,
                cause=cause)
        )  # fmt: skip
    void = trial(*cell, held, valid=False, held=False, reasons=[DISTURBED])
    return [*valid, void, {**valid[0], "again": True, "reasons": [AGAIN]}]


def measured(line: Line) -> dict[str, object]:
    held = line["interval"] and line["interval"][0]
    estimate = {"ceiling": 1.3 * held, "predicted": held, "binding": "gil"} if held else {}
    return {**line, **estimate}


RESULTS = [line for line in FULL_RESULTS if line["workload"] in {"sleep", "primes"}]
CHARTS = 2 * 2  # of each workload
TRIALS = [made for line in RESULTS if not line["unavailable"] for made in trials(line)]
GUILTY = {"function": "sieve", "file": "mine.py", "line": 12, "share": 0.91, "kind": "held the GIL",
    "own": True}  # fmt: skip
AUTOPSY = {
    "line": "autopsy", "workload": "primes", "model": "thread-pool", "at": 70.0, "guilty": GUILTY,
    "stacks": {"run (worker.py:1);sieve (mine.py:12)": 91, "run (worker.py:1);idle <x>": 9},
}  # fmt: skip
YOUR_LOAD = trial("primes", "hybrid", 60.0, load=True, work={
    "scheduled": 180, "spectrum_ms": [11.1, 12, 13, 14, 15, None, 77.7]})  # fmt: skip
RUN = [
    plan(
        [(line["workload"], line["model"]) for line in RESULTS],
        arguments={"load": "60"},
        workloads={"primes": {"doc": "Count primes.\nMore.", "parameters": {"below": 20000}}},
    ),
    *TRIALS,
    YOUR_LOAD,
    *standings(RESULTS),
    *map(measured, RESULTS),
    AUTOPSY,
    FULL[-1],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    write(path / "run.jsonl", RUN)
    return path


@pytest.fixture(scope="module")
def summary(folder: Path) -> Summary:
    return reported(folder, SurvivalReport).summary


@pytest.fixture
def page(folder: Path, summary: Summary) -> str:
    assert summary.cells
    return (folder / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_outcomes_come_first_and_details_last(page: str, summary: Summary) -> None:
    parts = ['class="card"', 'id="at-load"', 'id="trust"', 'class="grid"', 'id="why-primes"',
        'id="costs"', 'id="trials"', 'id="method"', 'id="glossary"']  # fmt: skip
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert summary.command in text_of(page)


def test_every_trial_is_there_with_the_reason_of_a_void_one(page: str) -> None:
    tables = page[page.index('id="trials"') : page.index('id="method"')]
    own = [*(line for line in TRIALS if not line.get("again")), YOUR_LOAD]
    assert tables.count("<td>") == len(TRIAL_HEADS) * len(own)
    assert tables.count("<td>void") == len(own) // 6
    assert f"{len(own)} trials; void ones do not count" in tables
    assert AGAIN not in page
    assert "The cores were &lt;slow&gt; now &amp; then." in tables


def test_every_chart_has_a_text_alternative_and_no_name_is_used_twice(page: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(charts) == CHARTS
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.get("role") == "img"
        title, words = root[0], root[1]
        assert (title.text or "").strip()
        assert (words.text or "").strip()
        assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))


def test_it_is_small_and_names_nothing_elsewhere(page: str, folder: Path) -> None:
    assert (folder / "report.html").stat().st_size < MOST_BYTES
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "url(http" not in page
    assert "@import" not in page


def test_a_card_says_what_the_workload_is_and_which_line_limits_it(page: str) -> None:
    card = page[page.index('id="card-primes"') :]
    card = text_of(card[: card.index("</article>")])
    assert "Count primes (below=20000)" in card
    assert "sieve in mine.py:12 held the GIL in 91 % of samples" in card
    why = page[page.index('id="why-primes"') : page.index('id="costs"')]
    assert 'class="guilty"' in why
    assert "idle &lt;x&gt;" in why


def test_the_setting_says_what_the_server_does_under_too_much_load() -> None:
    assert ADMISSION.keys() == POLICIES.keys()
    server = {"admission": "deadline", "target_s": 0.15}
    assert setting({"cores": 2, "server": server}) == (
        "2 cores; admission deadline: refuses what would not be answered within 150 ms "
        "(--admission unbounded shows a plain queue)"
    )
    assert "--admission" not in admission({"server": {"admission": "unbounded"}})
    assert admission({"server": {}}) == ""


def test_response_times_are_compared_at_the_same_load_alone(page: str) -> None:
    why = text_of(page[page.index('id="why-primes"') : page.index('id="costs"')])
    assert "Response times at 60 req/s" in why
    assert "hybrid passed 11 ms 12 ms 13 ms 14 ms 15 ms – 78 ms" in why
    assert page.count("Response times at") == 1, "the others have no trial there"
    assert 'value="60"' in page


def test_the_terminal_and_the_markdown_say_which_rows_hold_the_load(summary: Summary) -> None:
    note = (
        "`sleep` at 60 req/s: ✓ async (≥ 22 ×), thread-pool (2.6 ×), hybrid (2.5 ×); "
        "✗ inline (0.25 ×), process-pool (0.64 ×)."
    )
    assert f"- {note}" in markdown(summary)
    assert note.replace("`", "") in " ".join(printed(final(summary)).split())


def test_the_picture_of_all_capacities_stands_by_itself(folder: Path, summary: Summary) -> None:
    text = (folder / "capacity.svg").read_text(encoding="utf-8")
    words = "".join(ET.fromstring(text).itertext())
    assert all(interval_text(cell) in words for cell in summary.cells if cell.measured)
    assert "prefers-color-scheme: dark" in text


def test_a_run_of_which_little_is_known_has_a_report(tmp_path: Path) -> None:
    lines = [unavailable("primes", "async", "none"), result("sleep", "inline", 0.0, 4.0, "late")]
    first = plan([("primes", "async"), ("sleep", "inline"), ("sleep", "hybrid")])
    write(tmp_path / "run.jsonl", [first, *lines, trial("sleep", "inline", 4.0, held=False)])
    reported(tmp_path, SurvivalReport)
    text = text_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "none (< 4)" in text
    assert "No trials were run." in text


@ON_ITS_LOOP
async def test_it_opens_offline_fits_and_follows_the_scheme(
    folder: Path, summary: Summary, browser: Browser
) -> None:
    assert summary.cells
    await check_offline(browser, folder / "report.html", CHARTS + 1, legible=11)  # a flame graph


@ON_ITS_LOOP
async def test_the_contents_lead_somewhere_and_a_load_is_compared_with_each_interval(
    folder: Path, summary: Summary, browser: Browser
) -> None:
    tab = await watched(browser)
    await tab.page.goto((folder / "report.html").as_uri())
    assert await tab.page.evaluate(DANGLING) == []
    titles = await tab.page.locator(".card h3 a").all_inner_texts()
    assert titles == [verdict.workload for verdict in summary.verdicts]
    known = {cell.row: cell for cell in summary.cells if cell.workload == "primes"}
    place = [verdict.workload for verdict in summary.verdicts].index("primes")
    hybrid = tab.page.locator(".loads tr", has=tab.page.get_by_role("rowheader", name="hybrid"))
    cell = hybrid.locator("td").nth(place)
    assert known["hybrid"].broke
    rates = (known["hybrid"].sustained, known["hybrid"].capacity, 1.1 * known["hybrid"].broke)
    for rate, text in zip(rates, ("✓ holds", "? cannot tell", "✗ fails"), strict=True):
        await tab.page.get_by_label("Requests per second").fill(f"{rate}")
        assert text in await cell.inner_text()
    assert tab.errors == []
    assert set(tab.requests) == {(folder / "report.html").as_uri()}
    await tab.close()
