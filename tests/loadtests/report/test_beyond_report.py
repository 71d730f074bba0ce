"""What people see of loads beyond the peak: tables, sentences, and an honest time left."""

from __future__ import annotations

import io
import json
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.beyond import sentences
from loadtests.report.survival.brief import brief
from loadtests.report.survival.files import Survived
from loadtests.report.survival.live import LiveScreen
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.terminal import final
from loadtests.run.file.fold import read
from tests.loadtests.report.test_report import drawn
from tests.support.finished_report import reported
from tests.support.run_files import plan, result, write

if TYPE_CHECKING:
    from pathlib import Path

    from loadtests.run.file.lines import Line

CELLS = [("primes", "inline"), ("primes", "process-pool"), ("primes", "async")]
NO_PEAK = "its peak is not known: the search met its upper limit"
NO_WORKER = "no worker process to kill: a crash there ends the server"


def line(kind: str, model: str, **said: Any) -> dict[str, Any]:
    cell = {"workload": "primes", "model": model, "python": ""}
    return {"line": "beyond", "at": 60.0, **cell, "kind": kind, "elapsed_s": 20.0, **said}


def load(factor: float, kept: float, starved: float = 0.0) -> dict[str, Any]:
    return {"factor": factor, "rate": 100 * factor, "kept": kept, "bystander_lost": starved}


def drifting(per_minute: float, low: float, high: float) -> dict[str, Any]:
    return {
        "per_minute": per_minute,
        "interval": [low, high],
        "distinguishable": low > 0 or high < 0,
    }


def spike(recovery_s: float | None) -> dict[str, Any]:
    return {"recovery_s": recovery_s, "watched_s": 10}


STILL = drifting(0.01, -0.2, 0.2)
LINES = [
    line("overload", "inline", loads=[load(1.5, 0.2), load(2, 0.031)]),
    line("spike", "inline", **spike(None)),
    line("faults", "inline", reason=NO_WORKER),
    line(
        "soak",
        "inline",
        loss_ratio=0.0,
        drift={"pss_mib": drifting(1.234, 0.91, 1.5), "p50_ms": None},
    ),
    line("overload", "process-pool", loads=[load(1.5, 0.981), load(2, 0.97, starved=0.2)]),
    line("spike", "process-pool", **spike(0.42)),
    line("faults", "process-pool", kept=0.93),
    line("soak", "process-pool", loss_ratio=0.0, drift={"pss_mib": STILL}),
    line(
        "bystanders",
        "process-pool",
        beside={
            "/health": {"p99_ms": 3.21, "lost": 0},
            "inline": {"p99_ms": 612.3, "lost": 0.3},
            "thread-pool": {"p99_ms": None, "lost": 0.5},
        },
    ),
    line("bystanders", "inline", reason="3 attempts prove nothing: late."),
    *(line(kind, "async", reason=NO_PEAK) for kind in ("overload", "spike", "faults")),
]


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    return told(tmp_path, *LINES)


def told(tmp_path: Path, *lines: Line) -> Summary:
    results = [result(*cell, 50, 55) for cell in CELLS]
    return summarize(read(write(tmp_path / "run.jsonl", [plan(CELLS), *results, *lines])))


def test_the_summary_has_the_figures_of_each_cell(tmp_path: Path) -> None:
    told(tmp_path, *LINES, line("spike", "process-pool", **spike(0.1)))
    reported(tmp_path, Survived)
    cells = json.loads((tmp_path / "summary.json").read_text())["cells"]
    inline, pool, _ = (cell["beyond"] for cell in cells)
    assert inline["faults"] == {"reason": NO_WORKER}
    assert inline["overload"] == {"loads": [load(1.5, 0.2), load(2, 0.031)]}
    assert pool["spike"] == spike(0.1), "the last one counts"


def test_without_any_there_is_nothing_to_see(tmp_path: Path) -> None:
    seen = told(tmp_path)
    assert all(cell["beyond"] is None for cell in seen.as_json()["cells"])
    assert "Beyond the peak" not in drawn(final(seen)) + markdown(seen)
    assert sentences(seen) == []


def test_cells_beyond_their_peak_are_shown(summary: Summary) -> None:
    for text in (drawn(final(summary), 120), unescape(markdown(summary))):
        for said in (
            *("20 % · 3 %", "spike > 10 s", "98 % · 97 %", "spike 0.4 s", "faults 93 %"),
            *("/health –20 %", f"faults: {NO_WORKER}", NO_PEAK, "1.5 ×"),
        ):
            assert said in text
        assert text.count(NO_PEAK) == 1, "one footnote for all that it explains"


def test_who_starves_is_shown(summary: Summary) -> None:
    assert "| primes under process-pool | 3.2 | 612 | 50 % lost |" in markdown(summary)
    text = drawn(final(summary), 120)
    row = next(one for one in text.splitlines() if one.startswith("primes under process-pool"))
    assert row.split()[3:] == ["3.2", "612", "50", "%", "lost"]


def test_sentences_tell_what_matters(summary: Summary) -> None:
    assert sentences(summary) == [
        "Past the peak of `primes`: at 2 ×, inline keeps 3 % of its goodput, process-pool 97 % "
        "(but 20 % of /health is lost).",
        "Soak of `primes` under inline: memory grows by 1.2 MiB a minute (95 %: 0.91 to 1.5).",
        "Soak: nothing drifts that can be told from noise in 1 cell.",
        "No bystanders of `primes`/inline: 3 attempts prove nothing: late.",
    ]


def test_models_that_do_alike_have_no_sentence(tmp_path: Path) -> None:
    loads = [line("overload", model, loads=[load(2, 0.9)]) for model in ("inline", "process-pool")]
    assert sentences(told(tmp_path, *loads)) == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (LINES[0], "1.5 × 20 %, 2 × 3 %"),
        (
            line("overload", "x", loads=[load(1.5, 1), {"factor": 2, "reason": "?"}]),
            "1.5 × 100 %, 2 × —",
        ),
        (line("spike", "x", **spike(0.0)), "0 s"),
        (line("spike", "x", **spike(0.0), requests=299, needed=299), "0 s"),
        (line("spike", "x", **spike(0.0), requests=298, needed=299), "0 s (of 298 requests)"),
        (LINES[2], NO_WORKER),
        (LINES[3], "memory drifted"),
        (LINES[7], "no drift"),
        (LINES[8], "inline, thread-pool starved"),
    ],
)
def test_each_is_said_in_brief(one: dict[str, Any], said: str) -> None:
    assert brief(one["kind"], one) == said


def test_without_a_terminal_each_is_one_line() -> None:
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, width=80))
    for one in (plan(CELLS), LINES[6]):
        screen.update(one)
    assert out.getvalue().splitlines()[-1] == "      primes / process-pool, faults: 93 %"
