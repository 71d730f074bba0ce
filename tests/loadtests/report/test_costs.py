"""A run tells what each cell cost, where its processes could be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.costs import costs_of
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.terminal import final
from loadtests.run.file.fold import read
from tests.loadtests.report.test_report import drawn
from tests.support.run_files import plan, result, write

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [("primes", "inline"), ("primes", "thread-pool")]


def run(tmp_path: Path, *costs: dict[str, Any]) -> Summary:
    results = [result(*cell, 50, 55, **cost) for cell, cost in zip(CELLS, costs, strict=True)]
    return summarize(read(write(tmp_path / "run.jsonl", [plan(CELLS), *results])))


def test_what_each_cell_cost_is_shown(tmp_path: Path) -> None:
    watched = {"cpu_ms_per_request": 9.123, "pss_mib": 120.4, "bystander_p99_ms": 3.21}
    unseen = {"cpu_ms_per_request": None, "pss_mib": None, "bystander_p99_ms": 20.4}
    seen = run(tmp_path, watched, unseen)
    text = drawn(final(seen))
    assert "CPU per request at the rate held" in text
    assert "9.12 ms" in text
    assert "120M, 3.2 ms" in text
    assert "20 ms" in text
    assert "| inline | 9.12 ms<br><sub>120M, 3.2 ms</sub> |" in markdown(seen)


def test_without_processes_to_watch_there_are_no_costs(tmp_path: Path) -> None:
    unseen = {"cpu_ms_per_request": None, "pss_mib": None, "bystander_p99_ms": 20.4}
    seen = run(tmp_path, unseen, unseen)
    assert not costs_of(seen)
    assert "CPU per request" not in drawn(final(seen)) + markdown(seen)
