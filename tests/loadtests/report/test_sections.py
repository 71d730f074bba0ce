"""The sections of a report are the same in every format, and each is one entry of a tuple."""

import io
import json
import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtests.report.summary import Summary, summarize
from loadtests.report.survival import sections
from loadtests.report.survival.beyond import brief
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.json import as_json
from loadtests.report.survival.live import LiveScreen
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.matrix import Entry
from loadtests.report.survival.sections import SECTIONS, Section, filled
from loadtests.report.survival.surge import OUTCOMES
from loadtests.report.survival.terminal import final
from loadtests.report.wording import interval_text
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line
from tests.support.finished_report import printed, reported
from tests.support.run_files import FULL, NO_TWIN, plan, result, write

CELLS = [("primes", "inline"), ("primes", "process-pool"), ("primes", "async")]
NO_PEAK = "its peak is not known: the load generator was the limit"
NO_WORKER = "no worker process to kill: a crash there ends the server"
UNWATCHED = {"cpu_ms_per_request": None, "pss_mib": None, "bystander_p99_ms": 20.4}
WATCHED = {"cpu_ms_per_request": 9.123, "pss_mib": 120.4, "bystander_p99_ms": 3.21}
ESTIMATE = {"ceiling": 80.0, "predicted": 60.0, "binding": "gil"}


def beyond(kind: str, model: str, **fields: Any) -> dict[str, Any]:
    cell = {"workload": "primes", "model": model, "python": ""}
    return {"line": "beyond", "at": 60.0, **cell, "kind": kind, "elapsed_s": 20.0, **fields}


def load(factor: float, kept: float, lost: float = 0.0) -> dict[str, Any]:
    return {"factor": factor, "rate": 100 * factor, "kept": kept, "bystander_lost": lost}


def drift(per_minute: float, low: float, high: float) -> dict[str, Any]:
    distinguishable = low > 0 or high < 0
    return {
        "per_minute": per_minute, "interval": [low, high], "distinguishable": distinguishable
    }  # fmt: skip


def spike(recovery_s: float | None) -> dict[str, Any]:
    return {"recovery_s": recovery_s, "watched_s": 10}


GROWING = {"pss_mib": drift(1.234, 0.91, 1.5), "p50_ms": None}
STARVING = {
    "/health": {"p99_ms": 3.21, "lost": 0},
    "inline": {"p99_ms": 612.3, "lost": 0.3},
    "thread-pool": {"p99_ms": None, "lost": 0.5},
}
CALM = [10] * 4 + [50] * 8 + [10] * 16  # requests in each window, of which 20 are the capacity
NONE = [0] * len(CALM)


def policy(name: str, good: list[int], lost: str, **fields: Any) -> dict[str, Any]:
    series = {
        "good": good,
        lost: [offered - right for offered, right in zip(CALM, good, strict=True)],
    }
    kinds = dict.fromkeys(("good", "late", "refused", "gave_up", "failed"), NONE)
    return {"policy": name, "series": kinds | series, "p99_ms": [80.2, 160.1, None], **fields}


SURGED: dict[str, Any] = {
    "capacity": 40.0, "rates": [20, 100, 20], "step_s": 0.5, "windows": [4, 8, 16], "needed": 100,
    "policies": [
        policy("unbounded", [10] * 4 + [0] * 24, "gave_up", recovery_s=None, held=76),
        policy("bounded", [10] * 4 + [18] * 8 + [10] * 16, "refused", recovery_s=0.1, held=0,
            queue=6),
        policy("lifo", [10] * 4 + [15] * 8 + [0] * 4 + [10] * 12, "late", recovery_s=2, held=0),
        {"policy": "adaptive", "reason": "no valid load in 3 attempts: <late>."},
    ],
}  # fmt: skip
BEYOND = [
    beyond("overload", "inline", loads=[load(1.5, 0.2), load(2, 0.031)]),
    beyond("spike", "inline", **spike(None)),
    beyond("faults", "inline", reason=NO_WORKER),
    beyond("soak", "inline", loss_ratio=0.0, drift=GROWING),
    beyond("overload", "process-pool", loads=[load(1.5, 0.981), load(2, 0.97, lost=0.2)]),
    beyond("spike", "process-pool", **spike(0.42)),
    beyond("faults", "process-pool", kept=0.93),
    beyond("soak", "process-pool", loss_ratio=0.0, drift={"pss_mib": drift(0.01, -0.2, 0.2)}),
    beyond("bystanders", "process-pool", beside=STARVING),
    beyond("bystanders", "inline", reason="3 attempts prove nothing: late."),
    *(beyond(kind, "async", reason=NO_PEAK) for kind in ("overload", "spike", "faults")),
    beyond("surge", "process-pool", **SURGED),
    beyond("surge", "inline", reason="it did not start."),
]
SVG = "{http://www.w3.org/2000/svg}"
FORMATS = ("terminal", "markdown", "page")
PROOF = {"line": "proof", "workload": "primes", "model": "inline", "sentence": "Two cores: 2.0 ×."}


WITNESS = [
    {"factor": 0.951, "lost": 3.0, "expected": 2.4, "requests": 600},
    {"factor": 1.049, "lost": 21.0, "expected": 15.0, "requests": 600},
]
COMPARED: Line = {"line": "standing", "workload": "primes", "at": 30.0, "rounds": 5}
TWICE = ["process-pool", "process-pool again", [1.01, 0.97, 1.05]]


def run_of(folder: Path, *lines: Line, **fields: Any) -> Summary:
    results = [result(*cell, 50, 55, **fields) for cell in CELLS]
    return summarize(read(write(folder / "run.jsonl", [plan(CELLS), *results, *lines])))


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    compared = {**COMPARED, "speed": [0.934, 1.21], "again": TWICE}
    return run_of(tmp_path, compared, *BEYOND, PROOF, witness=WITNESS, **WATCHED, **ESTIMATE)


def notes(summary: Summary) -> list[str]:
    return [note for _, _, notes in filled(summary) for note in notes]


def bare(text: str) -> str:
    """Leave out spaces, and the marks of code, which are elements on a page."""
    return re.sub(r"[`\s]", "", text)


def everywhere(folder: Path) -> dict[str, str]:
    """Report a run in all formats, without marks, line ends and escapes."""
    summary = reported(folder, SurvivalReport).summary
    page = (folder / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    texts = {
        "terminal": printed(final(summary, verbose=True), 120),
        "markdown": (folder / "summary.md").read_text(encoding="utf-8").replace("*", ""),
        "page": re.sub(r"<[^>]*>", " ", body[body.index("<main>") :]),
        "json": json.dumps(as_json(summary)["sections"], ensure_ascii=False),
    }
    return {name: " ".join(unescape(text).split()) for name, text in texts.items()}


def test_every_format_shows_every_capacity_verdict_and_warning(tmp_path: Path) -> None:
    summary = summarize(read(write(tmp_path / "run.jsonl", FULL)))
    sentences = {name: [verdict.sentence for verdict in summary.verdicts] for name in FORMATS}
    sentences["page"] = [
        part
        for verdict in summary.verdicts
        for part in (verdict.rate, verdict.why[1:], verdict.next[1:], verdict.sure[1:])
    ]
    figures = [interval_text(cell) for cell in summary.cells if cell.measured]
    formats = everywhere(tmp_path)
    del formats["json"]  # of sections only
    for name, text in formats.items():
        for part in (*figures, *sentences[name], *summary.warnings, NO_TWIN, "Intel Xeon"):
            assert bare(part) in bare(text), name


def test_every_format_shows_the_same_sections_in_the_same_order(
    summary: Summary, tmp_path: Path
) -> None:
    titles = [section.title for section in SECTIONS]
    assert [section.title for section, _, _ in filled(summary)] == titles
    for name, text in everywhere(tmp_path).items():
        captions = [text.find(section.caption) for section, _, _ in filled(summary)]
        assert -1 not in captions, name
        assert captions == sorted(captions), name
        assert all(bare(note) in bare(text) for note in notes(summary)), name


def test_a_new_section_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Section(
        "Trials",
        "How many trials each took",
        "trials",
        lambda summary: {cell.cell: Entry(f"{cell.trials} trials") for cell in summary.cells},
        lambda _: ["Fewer is better."],
    )
    monkeypatch.setattr(sections, "SECTIONS", (*SECTIONS, own))
    run_of(tmp_path)
    for name, text in everywhere(tmp_path).items():
        for words in ("Trials", own.caption, "8 trials", "Fewer is better."):
            assert words in text, name


def test_costs_estimates_witnesses_and_interference_are_tables(
    summary: Summary, tmp_path: Path
) -> None:
    text = markdown(summary)
    for row in (
        "| inline | 9.12 ms<br><sub>120M, 3.2 ms</sub> |",
        "| inline | 80 GIL<br><sub>≈ 60, 66 %</sub> |",
        "| inline | 0.5 · 3.5<br><sub>≈ 0.4 · 2.5<br>at 0.95 · 1.05</sub> |",
        "| primes under process-pool | 3.2 | 612 | 50 % lost |",
        "| unbounded | 20/s 100 %<br><sub>p99 80 ms</sub> | 0/s 0 %<br><sub>p99 160 ms<br>"
        "100 % gave up</sub> | 0/s 0 %<br><sub>no answer<br>100 % gave up</sub> | "
        "never, within 8 s | ▅▅▅▅························ |",
        "| 36/s 90 %<br><sub>p99 160 ms<br>64 % refused</sub> | 20/s 100 %",
        "| 15/s 75 %<br><sub>no answer<br>25 % late</sub> | 2.0 s later | ▅▅▅▅▇▇▇▇▇▇▇▇····▅▅▅▅",
    ):
        assert row in text
    assert not list(filled(run_of(tmp_path / "unwatched", **UNWATCHED)))


def test_cells_beyond_their_peak_are_shown(summary: Summary) -> None:
    for text in (printed(final(summary, verbose=True), 120), unescape(markdown(summary))):
        for words in (
            *("20 % · 3 %", "spike > 10 s", "98 % · 97 %", "spike 0.4 s", "faults 93 %"),
            *("/health –20 %", f"faults: {NO_WORKER}", NO_PEAK, "1.5 ×"),
        ):
            assert words in text
        assert text.count(NO_PEAK) == 1, "one footnote for all that it explains"


def test_notes_report_what_matters(summary: Summary) -> None:
    assert notes(summary) == [
        "The same work cost 0.93–1.21 × its usual CPU time during the run (the middle 90 % of all "
        "trials).",
        "`primes`: process-pool sustains 1.01 × (0.97–1.05) as much as itself: no difference, as "
        "it should be.",
        "`primes` under inline: Two cores: 2.0 ×.",
        "Beyond the peak of `primes`: at 2 ×, inline keeps 3 % of its goodput, process-pool 97 % "
        "(but 20 % of /health is lost).",
        "No bystanders of `primes`/inline: 3 attempts prove nothing: late.",
        "`primes` under process-pool: 20 req/s for 2 s, then 100 req/s for 4 s, then 20 req/s for "
        "8 s; its capacity is 40 req/s. The queue of bounded holds 6, which it completes within "
        "its target.",
        "unbounded: during the surge, no request was answered in time, while 100 % of the clients "
        "gave up waiting; in the 8 s after it, no request was answered in time, although the load "
        "was only 50 % of the capacity. When all clients had gone, the server still held "
        "76 requests.",
        "bounded and lifo: 75–90 % of the capacity was answered in time during the surge, and the "
        "objective met again within 2.0 s.",
        "primes under process-pool · adaptive has no result: no valid load in 3 attempts: <late>.",
        "No surge of `primes`/inline: it did not start.",
        "Soak of `primes` under inline: memory grows by 1.2 MiB a minute (95 %: 0.91 to 1.5).",
        "Soak: no drift beyond noise in 1 cell.",
    ]


def test_surges_of_several_cells_are_named_by_their_cells(tmp_path: Path) -> None:
    lines = [beyond("surge", model, **SURGED) for model in ("inline", "async")]
    text = markdown(run_of(tmp_path, *lines))
    for words in ("| primes under async · lifo | 20/s", "primes under inline · adaptive has no"):
        assert words in text


def test_a_surge_that_proves_little_is_called_so(tmp_path: Path) -> None:
    small = {**SURGED, "capacity": 24.0, "needed": 299}
    text = markdown(run_of(tmp_path, beyond("surge", "process-pool", **small)))
    assert "| at once<br><sub>of 160 requests</sub> |" in text
    assert "bounded answered 150 % of it in time, so the surge was smaller than intended" in text


def test_a_surge_is_drawn_with_a_lane_for_each_policy_and_described(tmp_path: Path) -> None:
    run_of(tmp_path, beyond("surge", "process-pool", **SURGED))
    reported(tmp_path, SurvivalReport)
    root = ET.parse(tmp_path / "surge.svg").getroot()
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert "unbounded: 0 % of the capacity in time, not met again" in texts
    assert "bounded: 90 % of the capacity in time, met again at once" in texts
    fills = [area.get("fill") for area in root.iter(f"{SVG}polygon")]
    assert fills == [OUTCOMES[name].colour for name in
        ("good", "gave_up", "good", "refused", "good", "late")]  # fmt: skip
    assert "the server still held 76 requests" in (root.findtext(f"{SVG}desc") or "")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<polygon") == len(fills)
    assert bare("lifo surge 400 120 280 0 0 0") in bare(re.sub("<[^>]*>", " ", page))


def test_a_difference_of_a_row_to_itself_is_called_false(tmp_path: Path) -> None:
    compared = {**COMPARED, "again": [*TWICE[:2], [1.08, 1.02, 1.14]]}
    [note] = notes(run_of(tmp_path, compared))
    assert note == (
        "`primes`: process-pool sustains 1.08 × (1.02–1.14) as much as itself: a false difference."
    )


def test_models_that_do_alike_have_no_note(tmp_path: Path) -> None:
    loads = [beyond("overload", model, loads=[load(2, 0.9)]) for _, model in CELLS[:2]]
    assert notes(run_of(tmp_path, *loads)) == []


def test_a_report_states_the_constants_of_its_own_run(tmp_path: Path) -> None:
    used = {"overload": [2.5, 4.0], "bystanders": 0.6, "of a later version": 1}
    lines = [beyond("overload", "inline", loads=[load(2.5, 0.2), load(4, 0.03)]), BEYOND[8]]
    file = tmp_path / "run.jsonl"
    results = [result(*cell, 50, 55) for cell in CELLS]
    write(file, [plan(CELLS, constants=used), *results, *lines])
    text = markdown(summarize(read(file)))
    assert "Goodput at 2.5 × and 4 × capacity" in text
    assert "| 2.5 × · 4 × |" in text
    assert "at 60 % of its capacity" in text
    assert "at 4 ×, inline keeps 3 % of its goodput" in text
    write(file, [plan(CELLS), *results, *lines])  # as older files have it
    text = markdown(summarize(read(file)))
    assert "Goodput at 1.5 × and 2 × capacity" in text
    assert "at 80 % of its capacity" in text


def test_the_json_has_the_last_figures_of_each_cell(tmp_path: Path) -> None:
    again = beyond("spike", "process-pool", **spike(0.1))
    inline, pool, _ = as_json(run_of(tmp_path, *BEYOND, again))["cells"]
    assert inline["beyond"]["faults"] == {"reason": NO_WORKER}
    assert inline["beyond"]["overload"] == {"loads": [load(1.5, 0.2), load(2, 0.031)]}
    assert pool["beyond"]["spike"] == spike(0.1)
    assert all(cell["beyond"] is None for cell in as_json(run_of(tmp_path / "none"))["cells"])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (BEYOND[0], "1.5 × 20 %, 2 × 3 %"),
        (
            beyond("overload", "x", loads=[load(1.5, 1), {"factor": 2, "reason": "?"}]),
            "1.5 × 100 %, 2 × —",
        ),
        (beyond("spike", "x", **spike(0.0)), "0 s"),
        (beyond("spike", "x", **spike(0.0), requests=299, needed=299), "0 s"),
        (beyond("spike", "x", **spike(0.0), requests=298, needed=299), "0 s (of 298 requests)"),
        (BEYOND[2], NO_WORKER),
        (BEYOND[3], "memory drifted"),
        (BEYOND[7], "no drift"),
        (BEYOND[8], "inline, thread-pool starved"),
        (
            beyond("surge", "x", **SURGED),
            "unbounded never, within 8 s, bounded at once, lifo 2.0 s later, adaptive —",
        ),
    ],
)
def test_each_is_summed_up_in_brief(line: dict[str, Any], text: str) -> None:
    assert brief(line["kind"], line) == text


def test_without_a_terminal_each_is_one_line() -> None:
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, width=80))
    for line in (plan(CELLS), BEYOND[6]):
        screen.update(line)
    assert out.getvalue().splitlines()[-1] == "      primes / process-pool, faults: 93 %"
