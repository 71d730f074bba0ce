"""A row that is measured twice, under two names, is seldom said to differ from itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.checks.shared.command import show
from scripts.checks.validate.case import Case, Finding, remark
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.testbed import Testbed
from scripts.checks.validate.whole_run import survival

WORDS = ("--workloads", "primes", "--models", "process-pool,thread-pool", "--a-a")
RUNS = 10
FALSE = 1  # of these 95 % intervals may exclude 1; two of ten would be a chance of 9 %


def same_row_twice(testbed: Testbed) -> Case:
    """Measure a row against itself in ten runs, each with a schedule of its own."""
    runs, ratios = testbed.rounds(RUNS), []
    for number in range(1, runs + 1):
        with survival(*WORDS, "--seed", str(number)) as folder:
            ratios += compared(folder)
        show(f"run {number} of {runs}: {ratios[-1].shown}")
    return judged(ratios)


def compared(folder: Path) -> list[Finding]:
    """Return the ratio of each row that a run measured twice; it holds if it includes 1."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    if not summary["a_a"]:
        raise Unanswered("the run has no ratio of a row to itself; its trials may have been void")
    return [_finding(entry) for entry in summary["a_a"]]


def _finding(entry: Mapping[str, Any]) -> Finding:
    value, low, high = entry["ratio"]
    includes = low <= 1 and (high is None or high >= 1)
    text = f"{value:.3g} ({low:.3g}–{'∞' if high is None else f'{high:.3g}'})"
    return Finding(f"{entry['workload']}, {entry['row']} {text}", includes)


def judged(ratios: list[Finding]) -> Case:
    """Agree if hardly any ratio excludes 1."""
    excluded = sum(not ratio.holds for ratio in ratios)
    claim = f"a row measured twice: at most {FALSE} of {RUNS} ratios exclude 1"
    shown = Finding(f"{excluded} of {len(ratios)} exclude 1", excluded <= FALSE, f"at most {FALSE}")
    return Case.of("a-a", claim, [shown, *(remark(ratio.shown) for ratio in ratios)])
