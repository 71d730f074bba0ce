"""What a run file says of the user's load and of guilty lines is read, judged and drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.cell import Cell
from loadtests.report.flame import boxes, flame
from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.wording import guilty_text
from loadtests.run.file.fold import read
from tests.support.run_files import plan, result, trial, write

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("inline", "async", "thread-pool", "process-pool", "hybrid")
GUILTY: dict[str, Any] = {
    "function": "primes", "file": "server/workloads/cpu.py", "line": 77, "share": 0.932,
    "kind": "held the GIL", "own": True, "besides": {"sending answers": 0.2},
}  # fmt: skip
STACKS = {
    "carry (carry.py:50);primes (server/workloads/cpu.py:77)": 60,
    "carry (carry.py:50);primes (server/workloads/cpu.py:76)": 30,
    "answer (answering.py:50);<lambda> (a.py:1)": 10,
}


NAMES = {"workload": "primes", "python": "", "at": 50.0}
LINES = [
    plan([("primes", model) for model in MODELS], arguments={"load": "100"}),
    trial("primes", "inline", 100.0, load=True, held=False, broke_by="late"),
    trial("primes", "inline", 50.0),
    trial("primes", "thread-pool", 100.0, load=True, valid=False),
    trial("primes", "hybrid", 100.0, load=True),
    result("primes", "inline", 80, 125),
    result("primes", "async", 30, 40),
    result("primes", "thread-pool", 150, 170, blamed="GIL"),
    result("primes", "process-pool", 90, 110),
    result("primes", "hybrid", 400, None),
    {"line": "autopsy", **NAMES, "model": "thread-pool", "guilty": GUILTY, "stacks": STACKS},
]


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    return summarize(read(write(tmp_path / "run.jsonl", LINES)))


def test_each_row_is_judged_at_the_load_by_its_trial_or_its_interval(summary: Summary) -> None:
    known = {cell.model: load for cell, load in summary.at_load.items()}
    held = {model: load.held for model, load in known.items()}
    assert held == {
        "inline": False, "async": False, "thread-pool": True, "process-pool": None, "hybrid": True,
    }  # fmt: skip
    trials = {model for model, load in known.items() if load.trial}
    assert trials == {"inline", "hybrid"}, "a void trial shows nothing"
    headroom = known["inline"].headroom
    assert headroom == pytest.approx((1.0, 0.8, 1.25))
    assert "--load 100" in summary.command


def test_other_programs_read_both(summary: Summary) -> None:
    inline, _, threads, _, hybrid = as_json(summary)["cells"]
    assert inline["at_load"].keys() == {
        *("rate", "held", "p50_ms", "p99_ms", "loss_ratio", "headroom")
    }
    assert (inline["at_load"]["rate"], inline["at_load"]["p99_ms"] is None) == (100.0, False)
    assert hybrid["at_load"]["headroom"][2] is None, "at the limit of the generator"
    assert (inline["guilty"], threads["guilty"]) == (None, GUILTY)


def test_a_run_without_a_load_says_nothing_of_it(tmp_path: Path) -> None:
    lines = [plan([("primes", "inline")]), result("primes", "inline", 80, 125)]
    whole = summarize(read(write(tmp_path / "run.jsonl", lines)))
    assert not whole.at_load
    assert as_json(whole)["cells"][0]["at_load"] is None


def test_the_guilty_line_is_a_sentence(summary: Summary) -> None:
    cell = next(cell for cell in summary.cells if cell.guilty)
    text = "`primes` in server/workloads/cpu.py:77 held the GIL in 93 % of samples"
    assert guilty_text(cell) == text
    waited = {"kind": "waited", "doing": "for a connection of its pool", "own": True}
    assert guilty_text(replace(cell, guilty={**cell.guilty, **waited})) == text.replace(
        "held the GIL", "waited for a connection of its pool"
    )


def test_a_flame_graph_is_as_wide_as_the_samples(summary: Summary) -> None:
    stacks = summary.stacks[Cell("primes", "thread-pool")]
    drawn = {box.text: box for box in boxes(stacks, "primes (server/workloads/cpu.py:")}
    assert drawn["carry (carry.py:50)"][1:] == (0.0, 0.9, 0, False)
    assert drawn["primes (server/workloads/cpu.py:76)"][1:] == (0.6, 0.3, 1, True)
    assert drawn["<lambda> (a.py:1)"][1:] == (0.9, 0.1, 1, False)
    cell = next(cell for cell in summary.cells if cell.guilty)
    page = flame(stacks, cell)
    assert page.count("<span") == 5
    assert page.count('class="guilty"') == 2
    assert "&lt;lambda&gt;" in page
    assert "<script" not in page
    assert flame({}, cell) == ""
