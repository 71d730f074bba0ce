"""A summary says what the intervals allow, and no more."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.summary import Summary, exit_code, summarize
from loadtests.report.verdicts import judge_workload, leaders
from loadtests.report.wording import cause_sentence
from loadtests.run.file.fold import read
from loadtests.wording import listing, rate_text
from tests.support.run_files import (
    ENVIRONMENT,
    FULL,
    NO_TWIN,
    measured,
    plan,
    result,
    trial,
    unavailable,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from loadtests.run.file.lines import Line

SLO = "p99<250ms"
KEYS = (
    "workload model python held broke interval capacity ceiling binding predicted score "
    "efficiency cause cause_evidence proof searches support goals "
    "bystander_p99_ms cpu_ms_per_request pss_mib trials discarded unavailable broke_by "
    "beyond"
)


def sentence(*lines: Line) -> str:
    results = [measured(line) for line in lines]
    return judge_workload(results[0].workload, results, SLO).sentence


def summary_of(path: Path, lines: Iterable[Line], **changes: Any) -> Summary:
    lines = list(lines)
    cells = [(x["workload"], x["model"]) for x in lines if x["line"] == "cell"]
    changes.setdefault("cells", plan(cells)["cells"])
    return summarize(read(write(path / "run.jsonl", [plan([]) | changes, *lines])))


def test_a_clear_winner_is_named_with_ratio_and_what_broke_the_loser() -> None:
    assert sentence(
        result("primes", "inline", 64, 70, "bystander"),
        result("primes", "thread-pool", 90, 97, "late"),
        result("primes", "process-pool", 171, 182, "backlog"),
    ) == (
        "For `primes`, process-pool bears 171–182 req/s within p99<250ms, 1.9 × thread-pool "
        "(90–97); inline bears 64–70: at 70 req/s, /health was starved."
    )


def test_hybrid_and_its_pool_bear_the_same() -> None:
    said = sentence(
        result("primes", "hybrid", 172, 183, "late"),
        result("primes", "process-pool", 171, 182, "late"),
        result("primes", "inline", 64, 70, "late"),
    )
    assert "process-pool and hybrid bear the same: 171–182 and 172–183 req/s" in said


def test_overlapping_intervals_are_never_called_better() -> None:
    said = sentence(
        result("sleep", "async", 100, 120, "late"), result("sleep", "thread-pool", 90, 100, "late")
    )
    assert said.startswith("For `sleep`, async and thread-pool cannot be told apart in this run")
    assert said.endswith("beyond that, answers came too late.")
    assert "1.1" not in said


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), min_size=1, max_size=6))
def test_the_best_beats_all_that_are_not_tied_with_it(pairs: list[tuple[float, float]]) -> None:
    cells = [measured(result("w", f"m{i}", low, low + gap)) for i, (low, gap) in enumerate(pairs)]
    verdict = judge_workload("w", cells, SLO)
    by_model = {cell.model: cell for cell in cells}
    if verdict.best is None:
        assert all(cell.held == 0 for cell in cells)
        return
    best = by_model[verdict.best]
    assert verdict.best in verdict.tied
    for cell in cells:
        if cell.model not in verdict.tied:
            assert cell.high < best.low or cell.held == 0


def test_a_search_that_met_its_limit_is_a_lower_bound() -> None:
    said = sentence(
        result("sleep", "async", 1310, None), result("sleep", "thread-pool", 148, 160, "late")
    )
    assert "async bears at least 1310 req/s" in said
    assert "at least 8.8 × thread-pool (148–160)" in said
    assert "upper limit" in sentence(result("sleep", "async", 1310, None))


def test_two_that_met_their_limits_are_tied() -> None:
    cells = [
        measured(result("sleep", model, held, None)) for model, held in (("a", 100), ("b", 900))
    ]
    assert set(judge_workload("sleep", cells, SLO).tied) == {"a", "b"}


def test_a_single_model_is_compared_with_nothing() -> None:
    assert sentence(result("sleep", "async", 88, 95, "refused")) == (
        "For `sleep`, async bears 88–95 req/s within p99<250ms; at 95 req/s, the queue was full "
        "and refused."
    )


def test_models_that_bear_nothing_are_said_so() -> None:
    slow = result("scrape", "inline", 0, 4, "late")
    assert sentence(slow) == (
        "For `scrape`, inline bears no load within p99<250ms: even 4 req/s is too much "
        "(answers came too late)."
    )
    assert "no model bears any load" in sentence(slow, result("scrape", "hybrid", 0, 6, "late"))
    assert "inline bears no load: even 4 req/s" in sentence(
        slow, result("scrape", "hybrid", 52, 56, "late")
    )


def test_workloads_without_result_say_why() -> None:
    none = unavailable("primes", "async", NO_TWIN)
    assert sentence(none) == f"For `primes`, no asked-for model exists: {NO_TWIN}."
    failed = result("primes", "inline", None, None, error="the server did not start")
    assert sentence(none, failed) == "For `primes`, this run has no result."


def test_leaders_need_competition() -> None:
    alone = measured(result("sleep", "async", 88, 95))
    assert leaders([alone], SLO) == set()
    other = measured(result("sleep", "inline", 10, 12))
    assert leaders([alone, other], SLO) == {alone.cell}


def test_the_json_has_the_agreed_keys(tmp_path: Path) -> None:
    data = summarize(read(write(tmp_path / "run.jsonl", FULL))).as_json()
    assert json.loads(json.dumps(data)) == data
    assert list(data) == ["schema", "environment", "slo", "cells", "verdicts", "warnings"]
    assert [list(cell) for cell in data["cells"]] == [KEYS.split()] * 20
    assert [list(v) for v in data["verdicts"]] == [["workload", "best", "sentence", "pythons"]] * 4
    primes = {v["workload"]: v["best"] for v in data["verdicts"]}
    assert primes == {
        "sleep": "async",
        "primes": "process-pool",
        "sha256": "hybrid",
        "scrape": "hybrid",
    }
    first = data["cells"][0]
    assert (first["held"], first["broke"], first["ceiling"]) == (14.2, 15.8, None)
    assert first["searches"] == [[14.2, 15.8]]


def test_a_quiet_complete_run_has_no_warnings(tmp_path: Path) -> None:
    lines = [result("sleep", "async", 600, 640), result("sleep", "inline", 14, 16)]
    assert summary_of(tmp_path, lines).warnings == ()


@pytest.mark.parametrize(
    ("searches", "said"),
    [(3, "each was measured 3 times, in random order"), (1, "; --full measures")],
)
def test_what_is_advised_of_unsteady_cores_was_not_done_already(
    tmp_path: Path, searches: int, said: str
) -> None:
    speeds = [{"slowdown": 1.0 + 0.1 * number, "calibration_ms": 0.3} for number in range(10)]
    lines = [trial("sleep", "async", 80, machine=machine) for machine in speeds]
    assert said in "\n".join(summary_of(tmp_path, lines, searches=searches).warnings)


@pytest.mark.parametrize(
    ("line", "changes", "warning"),
    [
        (
            trial("sleep", "async", 80, valid=False, held=False, reasons=["Steal time 4 %."]),
            {},
            "1 of 1 trial was discarded. First `sleep` under async at 80 req/s: Steal time 4 %.",
        ),
        (result("sleep", "hybrid", 900, None), {}, "met its upper limit"),
        (result("sleep", "hybrid", 610, 650), {}, "overlap for `sleep` (async and hybrid)"),
        (result("sleep", "hybrid", None, None, error="no answer"), {}, "no result: no answer."),
        ({"line": "end", "exit": 3, "reason": "too noisy"}, {}, "ended early: too noisy."),
        (trial("sleep", "async", 80), {"arguments": {"host": "http://a"}}, "did not start"),
        (
            trial("sleep", "async", 80),
            {"environment": ENVIRONMENT | {"load_average": [2.4, 1, 1]}},
            "busy before the run started (load average 2.4 on 2 cores)",
        ),
        (
            trial("sleep", "async", 80),
            {"cells": [{"workload": "file", "model": "async"}]},
            "1 of 2 cells were not measured: the run had ended",
        ),
    ],
)
def test_what_weakens_a_result_is_warned_of(
    tmp_path: Path, line: Line, changes: dict[str, Any], warning: str
) -> None:
    summary = summary_of(tmp_path, [result("sleep", "async", 600, 640), line], **changes)
    assert warning in "\n".join(summary.warnings)


GOOD = result("sleep", "async", 600, 640)
WEAK = result("sleep", "inline", 14, 16)
FAILED = result("sleep", "hybrid", None, None, error="the server did not start")
ABSENT = unavailable("primes", "async", NO_TWIN)


@pytest.mark.parametrize(
    ("lines", "at_least", "code"),
    [
        ([GOOD, WEAK], None, 0),
        ([GOOD, WEAK], 14, 0),
        ([GOOD, WEAK], 15, 1),
        ([GOOD, ABSENT], 100, 0),
        ([GOOD, FAILED], None, 0),
        ([GOOD, FAILED], 100, 3),
        ([WEAK, FAILED], 100, 1),
        ([FAILED], None, 3),
        ([ABSENT], None, 3),
        ([GOOD, {"line": "end", "exit": 3, "reason": "noise"}], None, 3),
        ([GOOD, {"line": "end", "exit": 0, "reason": None}], None, 0),
    ],
)
def test_the_exit_code_follows_from_the_results(
    tmp_path: Path, lines: list[Line], at_least: float | None, code: int
) -> None:
    assert exit_code(summary_of(tmp_path, lines), at_least) == code


def test_the_command_repeats_the_run(tmp_path: Path) -> None:
    arguments = {
        "workloads": ["sleep", "primes"],
        "slo": SLO,
        "quick": True,
        "full": False,
        "param": ["sleep.ms=20", "primes.below=9"],
        "output": "/some/where",
        "at_least": None,
    }
    said = summary_of(tmp_path, [GOOD], arguments=arguments).command
    assert shlex.split(said) == [
        *("scripts/survive", "--slo", SLO, "--workloads", "sleep,primes"),
        *("--param", "sleep.ms=20", "--param", "primes.below=9", "--seed", "1", "--quick"),
    ]


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        *((0, "0"), (0.53, "0.53"), (4.0, "4"), (9.53, "9.5"), (95.34, "95"), (99.6, "100")),
        *((171.4, "171"), (1234.0, "1230"), (12345.0, "12300")),
    ],
)
def test_rates_are_rounded_to_what_is_known(rate: float, said: str) -> None:
    assert rate_text(rate) == said


def test_unknown_causes_are_passed_on_and_names_are_listed() -> None:
    full = measured(result("w", "m", 1, 2, "the disk was full"))
    assert cause_sentence(full) == "the disk was full"
    assert cause_sentence(measured(result("w", "m", 1, 2))) == ""
    assert [listing(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_a_claim_that_its_proof_withdraws_is_no_cause_any_more(tmp_path: Path) -> None:
    cell = result("primes", "hybrid", 60, 70, "refused", cause="cores")
    proof = {"line": "proof", "workload": "primes", "model": "hybrid", "sentence": "it did not"}
    for stands, cause in ((True, "cores"), (False, None)):
        folder = tmp_path / str(stands)
        [found] = summary_of(folder, [cell, proof | {"stands": stands}]).cells
        assert (found.cause, found.proof["stands"]) == (cause, stands)
