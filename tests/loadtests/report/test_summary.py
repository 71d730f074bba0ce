"""A summary concludes what the intervals allow, and no more."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.summary import Summary, exit_code, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.survival.markdown import markdown
from loadtests.report.verdicts import WorkloadVerdict, judge_workload, leaders
from loadtests.report.wording import cause_sentence
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line
from loadtests.slo import Slo
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

SLO = Slo.parse("p99<250ms")
KEYS = (
    "workload model python held broke interval capacity ceiling binding predicted score "
    "efficiency cause cause_evidence proof searches support goals "
    "bystander_p99_ms cpu_ms_per_request pss_mib trials discarded unavailable broke_by "
    "beyond"
)


def verdict_of(*lines: Line) -> WorkloadVerdict:
    results = [measured(line) for line in lines]
    return judge_workload(results[0].workload, results, SLO)


def summary_of(path: Path, lines: Iterable[Line], **changes: Any) -> Summary:
    lines = list(lines)
    cells = [(line["workload"], line["model"]) for line in lines if line["line"] == "cell"]
    changes.setdefault("cells", plan(cells)["cells"])
    return summarize(read(write(path / "run.jsonl", [plan([]) | changes, *lines])))


GOOD = result("sleep", "async", 600, 640)
WEAK = result("sleep", "inline", 14, 16)
FAILED = result("sleep", "hybrid", None, None, error="the server did not start")
SLOW = result("scrape", "inline", 0, 4, "late")
ABSENT = unavailable("primes", "async", NO_TWIN)
UNSTARTED = result("primes", "inline", None, None, error="the server did not start")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (  # a clear winner: its ratio to the next, and what limits the last
            [
                result("primes", "inline", 64, 70, "bystander"),
                result("primes", "thread-pool", 90, 97, "late"),
                result("primes", "process-pool", 171, 182, "backlog"),
            ],
            "`primes`: process-pool sustains 171–182 req/s at p99<250ms, 1.9 × thread-pool "
            "(90–97); inline sustains 64–70: at 70 req/s, /health was starved.",
        ),
        (  # the pool is named before the hybrid that uses it
            [
                result("primes", "hybrid", 172, 183, "late"),
                result("primes", "process-pool", 171, 182, "late"),
                result("primes", "inline", 64, 70, "late"),
            ],
            "`primes`: process-pool and hybrid sustain the same: 171–182 and 172–183 req/s at "
            "p99<250ms, 2.7 × inline (64–70); under inline, at 70 req/s, answers came too late.",
        ),
        (  # overlapping intervals have no ratio
            [
                result("sleep", "async", 100, 120, "late"),
                result("sleep", "thread-pool", 90, 100, "late"),
            ],
            "`sleep`: async and thread-pool sustain 100–120 and 90–100 req/s at p99<250ms (no "
            "significant difference in this run); at higher rates, answers came too late.",
        ),
        (  # the search's limit is a lower bound, and so is a ratio to it
            [
                result("sleep", "async", 1310, None),
                result("sleep", "thread-pool", 148, 160, "late"),
            ],
            "`sleep`: async sustains at least 1310 req/s at p99<250ms, at least 8.8 × thread-pool "
            "(148–160); under thread-pool, at 160 req/s, answers came too late.",
        ),
        (
            [result("sleep", "async", 1310, None)],
            "`sleep`: async sustains at least 1310 req/s at p99<250ms; the search reached its "
            "upper limit first.",
        ),
        (
            [result("sleep", "async", 88, 95, "refused")],
            "`sleep`: async sustains 88–95 req/s at p99<250ms; at 95 req/s, the queue was full.",
        ),
        (
            [SLOW],
            "`scrape`: inline sustains no load at p99<250ms: even 4 req/s is too much (answers "
            "came too late).",
        ),
        (
            [SLOW, result("scrape", "hybrid", 0, 6, "late")],
            "`scrape`: no model sustains any load at p99<250ms: even 6 req/s is too much (answers "
            "came too late).",
        ),
        (
            [SLOW, result("scrape", "hybrid", 52, 56, "late")],
            "`scrape`: hybrid sustains 52–56 req/s at p99<250ms; inline sustains no load: even 4 "
            "req/s is too much (answers came too late).",
        ),
        ([ABSENT], f"`primes`: none of the requested models is available: {NO_TWIN}."),
        ([ABSENT, UNSTARTED], "`primes`: no result in this run."),
    ],
)
def test_a_verdict_says_what_the_intervals_allow(lines: list[Line], sentence: str) -> None:
    assert verdict_of(*lines).sentence == sentence


def test_workloads_without_a_result_share_one_sentence(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, [UNSTARTED, GOOD, UNSTARTED | {"workload": "sha256"}])
    assert summary.sentences == (
        summary.verdicts[1].sentence,
        "`primes` and `sha256`: no result in this run.",
    )


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


def test_two_that_met_their_limits_are_tied() -> None:
    verdict = verdict_of(result("sleep", "a", 100, None), result("sleep", "b", 900, None))
    assert set(verdict.tied) == {"a", "b"}


def test_leaders_need_competition() -> None:
    alone = measured(result("sleep", "async", 88, 95))
    assert leaders([alone], SLO) == set()
    other = measured(result("sleep", "inline", 10, 12))
    assert leaders([alone, other], SLO) == {alone.cell}


def test_the_json_has_the_agreed_keys(tmp_path: Path) -> None:
    data = as_json(summarize(read(write(tmp_path / "run.jsonl", FULL))))
    assert json.loads(json.dumps(data)) == data
    assert " ".join(data) == "schema environment slo cells verdicts warnings sections"
    assert [list(cell) for cell in data["cells"]] == [KEYS.split()] * 20
    assert [list(v) for v in data["verdicts"]] == [["workload", "best", "sentence", "pythons"]] * 4
    assert [v["workload"] for v in data["verdicts"]] == ["sleep", "primes", "sha256", "scrape"]
    assert [v["best"] for v in data["verdicts"]] == ["async", "process-pool", "hybrid", "hybrid"]
    first = data["cells"][0]
    assert (first["held"], first["broke"], first["ceiling"]) == (14.2, 15.8, None)
    assert first["searches"] == [[14.2, 15.8]]


def test_a_quiet_complete_run_has_no_warnings(tmp_path: Path) -> None:
    assert summary_of(tmp_path, [GOOD, WEAK]).warnings == ()


@pytest.mark.parametrize(
    ("searches", "advice"),
    [(3, "measuring each 3 times in random order"), (1, "; --full measures")],
)
def test_what_is_advised_of_unsteady_cores_was_not_done_already(
    tmp_path: Path, searches: int, advice: str
) -> None:
    speeds = [{"slowdown": 1.0 + 0.1 * number, "calibration_ms": 0.3} for number in range(10)]
    lines = [trial("sleep", "async", 80, machine=machine) for machine in speeds]
    assert advice in "\n".join(summary_of(tmp_path, lines, searches=searches).warnings)


@pytest.mark.parametrize(
    ("line", "changes", "warning"),
    [
        (
            trial("sleep", "async", 80, valid=False, held=False, reasons=["Steal time 4 %."]),
            {},
            "1 of 1 trial was void. The first, `sleep` under async at 80 req/s: Steal time 4 %.",
        ),
        (result("sleep", "hybrid", 900, None), {}, "reached its upper limit"),
        (result("sleep", "hybrid", 610, 650), {}, "No single best for `sleep` (async and hybrid)"),
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


def test_a_busy_machine_is_reported_once_with_one_advice(tmp_path: Path) -> None:
    lines: list[Line] = []
    for number, model in enumerate(("inline", "async", "hybrid")):
        reason = f"Other processes kept 1.2{number} cores busy. End them."
        flawed = trial("sleep", model, 80, valid=False, held=False, reasons=[reason, "Be early."])
        error = f"3 trials at 8{number}/s prove nothing: {reason}"
        lines += [*3 * [flawed], result("sleep", model, None, None, error=error)]
    lines.append({"line": "end", "exit": 3, "reason": f"no result: {lines[3]['error']}; or wait"})
    summary = summary_of(tmp_path, lines)
    assert summary.warnings == (
        "9 of 9 trials were void.",
        "`sleep` under inline, `sleep` under async and `sleep` under hybrid have no result: 3 "
        "trials at 80/s prove nothing: Other processes kept 1.20 cores busy. End them.",
    )
    assert markdown(summary).count("cores busy") == 1


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
        "slo": str(SLO),
        "quick": True,
        "full": False,
        "threads": "4",
        "param": ["sleep.ms=20", "primes.below=9"],
        "server_python": ["3.13", "/py/python3.13t"],
        "output": "/some/where",
        "at_least": None,
    }
    command = summary_of(tmp_path, [GOOD], arguments=arguments).command
    assert shlex.split(command) == [
        *("scripts/survive", "--slo", str(SLO), "--workloads", "sleep,primes"),
        *("--threads", "4", "--param", "sleep.ms=20", "--param", "primes.below=9"),
        *("--server-python", "3.13", "--server-python", "/py/python3.13t", "--seed", "1"),
        "--quick",
    ]


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        *((0, "0"), (0.53, "0.53"), (4.0, "4"), (9.53, "9.5"), (95.34, "95"), (99.6, "100")),
        *((171.4, "171"), (1234.0, "1230"), (12345.0, "12300")),
    ],
)
def test_rates_are_rounded_to_what_is_known(rate: float, text: str) -> None:
    assert rate_text(rate) == text


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
        [proved] = summary_of(folder, [cell, proof | {"stands": stands}]).cells
        assert (proved.cause, proved.proof["stands"]) == (cause, stands)
