"""A summary concludes what the intervals allow, and no more."""

import json
import shlex
from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.estimate import Range
from loadtests.report.summary import Summary, exit_code, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.survival.markdown import markdown
from loadtests.report.verdicts import WorkloadVerdict, judge_workload, leaders
from loadtests.report.warnings import GO_ON
from loadtests.report.wording import cause_sentence, interval_text, ratio_text
from loadtests.run.file.cells import RowRatio
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line, standing_of
from loadtests.slo import Slo
from loadtests.wording import listing, rate_text
from tests.support.run_files import (
    ENVIRONMENT,
    FULL,
    NO_TWIN,
    measured,
    plan,
    result,
    standing,
    standings,
    trial,
    unavailable,
    write,
)

SLO = Slo.parse("p99<250ms")
KEYS = (
    "workload model python row state held broke interval capacity ceiling binding predicted score "
    "efficiency utilisation demand_s rounds witness cause cause_evidence proof goals "
    "bystander_p99_ms cpu_ms_per_request pss_mib trials discarded unavailable error broke_by "
    "beyond"
)
VERDICT = ["workload", "best", "pick", "ties", "ratio", "beaten", "sentence", "pythons"]


def verdict_of(*lines: Line, **changes: Any) -> WorkloadVerdict:
    results = [measured(line) for line in lines]
    known = standing_of(standing(lines, **changes))
    return judge_workload(results[0].workload, results, known, SLO)


def summary_of(path: Path, lines: Iterable[Line], **changes: Any) -> Summary:
    lines = list(lines)
    lines += standings(lines)
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
                result("primes", "process-pool", 171, 182, "late"),
            ],
            "`primes`: process-pool sustains 171–182 req/s at p99<250ms, 1.9 × (1.8–2.0) "
            "thread-pool (90–97); inline sustains 64–70: above 70 req/s, /health was starved.",
        ),
        (  # the pool is named before the hybrid that uses it
            [
                result("primes", "hybrid", 172, 183, "late"),
                result("primes", "process-pool", 171, 182, "late"),
                result("primes", "inline", 64, 70, "late"),
            ],
            "`primes`: process-pool and hybrid sustain the same: 171–182 and 172–183 req/s at "
            "p99<250ms, hybrid 2.7 × (2.5–2.8) as much as inline (64–70); under inline, above 70 "
            "req/s, answers came too late.",
        ),
        (  # no ratio of rows that tie
            [
                result("sleep", "async", 100, 120, "late"),
                result("sleep", "thread-pool", 90, 110, "late"),
            ],
            "`sleep`: async and thread-pool sustain 100–120 and 90–110 req/s at p99<250ms (no "
            "significant difference in this run); at higher rates, answers came too late.",
        ),
        (  # the generator's limit is a lower bound, and no ratio to it is known
            [
                result("sleep", "async", 1310, None),
                result("sleep", "thread-pool", 148, 160, "late"),
            ],
            "`sleep`: async sustains at least 1310 req/s at p99<250ms, thread-pool 148–160; under "
            "thread-pool, above 160 req/s, answers came too late.",
        ),
        (
            [result("sleep", "async", 1310, None)],
            "`sleep`: async sustains at least 1310 req/s at p99<250ms; the load generator reached "
            "its limit first.",
        ),
        (  # what is unfinished is named, and compared with nothing
            [
                result("sleep", "async", 88, 95, "refused"),
                result("sleep", "inline", None, None, error="no answer", predicted=195.0),
                result("sleep", "hybrid", None, None, error="no answer"),
            ],
            "`sleep`: async sustains 88–95 req/s at p99<250ms; above 95 req/s, the queue was "
            "full; inline and hybrid are unfinished.",
        ),
        (
            [SLOW, result("scrape", "hybrid", None, None, error="no answer")],
            "`scrape`: inline sustains no load at p99<250ms: even 4 req/s is too much (answers "
            "came too late); hybrid is unfinished.",
        ),
        (
            [result("sleep", "async", 88, 95, "refused")],
            "`sleep`: async sustains 88–95 req/s at p99<250ms; above 95 req/s, the queue was full.",
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


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.1, 1e4)), min_size=1, max_size=6))
def test_the_best_and_all_that_tie_with_it_come_from_the_standing(
    pairs: list[tuple[float, float]],
) -> None:
    lines = [result("w", f"m{i}", low, low + gap) for i, (low, gap) in enumerate(pairs)]
    verdict, known = verdict_of(*lines), standing_of(standing(lines))
    if verdict.pick is None:
        assert all(measured(line).held == 0 for line in lines)
        return
    assert verdict.pick in verdict.ties
    assert set(verdict.ties) == {*known.ties, verdict.pick}
    if verdict.beaten:
        assert verdict.beaten not in verdict.ties
        assert verdict.ratio == known.ratio(verdict.pick, verdict.beaten)
        assert known.more(verdict.pick, verdict.beaten)


def test_a_factor_is_that_of_the_rounds_not_the_quotient_of_two_capacities() -> None:
    lines = [result("sleep", "async", 300, 320), result("sleep", "inline", 100, 110)]
    other = [RowRatio("inline", "async", Range(0.5, 0.4, 0.625))]
    verdict = verdict_of(*lines, ratios=other)
    assert "2.0 × (1.6–2.5) inline (100–110)" in verdict.sentence
    assert verdict.ratio == pytest.approx((2.0, 1.6, 2.5))
    for unknown in ([], [RowRatio("async", "inline", Range(3.0, 0.0, inf))]):
        verdict = verdict_of(*lines, ratios=unknown)
        assert "×" not in verdict.sentence
        assert verdict.ratio is None
    alone = judge_workload("sleep", map(measured, lines), None, SLO)
    assert (alone.pick, alone.ratio, alone.beaten) == ("async", None, None)
    assert "inline sustains 100–110" in alone.sentence


def test_an_unfinished_row_is_no_best_and_no_tie() -> None:
    good, bad = result("sleep", "async", 88, 95), result("sleep", "hybrid", None, None, error="?")
    rival = result("sleep", "inline", 80, 100)
    ties = ["async", "hybrid", "inline"]
    verdict = verdict_of(good, bad, rival, ties=ties)
    assert set(verdict.ties) == {"async", "inline"}
    cells = [measured(line) for line in (good, bad, rival)]
    known = {"sleep": standing_of(standing([good, bad, rival], ties=ties))}
    assert leaders(cells, known) == {cells[0].cell, cells[2].cell}
    assert leaders(cells[:2], known) == set(), "nothing to compare it with"


def test_two_that_met_their_limits_are_tied() -> None:
    verdict = verdict_of(result("sleep", "a", 100, None), result("sleep", "b", 900, None))
    assert set(verdict.ties) == {"a", "b"}


def test_leaders_need_competition() -> None:
    lines = [result("sleep", "async", 88, 95), result("sleep", "inline", 10, 12)]
    known = {"sleep": standing_of(standing(lines))}
    alone, other = map(measured, lines)
    assert leaders([alone], known) == set()
    assert leaders([alone, other], known) == {alone.cell}


def test_the_json_has_the_agreed_keys(tmp_path: Path) -> None:
    data = as_json(summarize(read(write(tmp_path / "run.jsonl", FULL))))
    assert json.loads(json.dumps(data)) == data
    assert " ".join(data) == "schema environment slo cells verdicts speed a_a warnings sections"
    assert data["schema"] == 2
    assert [list(cell) for cell in data["cells"]] == [KEYS.split()] * 20
    assert [list(verdict) for verdict in data["verdicts"]] == [VERDICT] * 4
    assert [v["workload"] for v in data["verdicts"]] == ["sleep", "primes", "sha256", "scrape"]
    assert [v["best"] for v in data["verdicts"]] == ["async", "process-pool", "hybrid", "hybrid"]
    first = data["cells"][0]
    assert (first["held"], first["broke"], first["ceiling"]) == (14.2, 15.8, None)
    assert (first["row"], first["state"], first["interval"]) == ("inline", "measured", [14.2, 15.8])
    assert (first["rounds"], first["demand_s"], first["witness"]) == (5, 0.0111, [])
    limit = data["cells"][1]
    assert (limit["state"], limit["interval"]) == ("at generator limit", [1310.0, None])
    sleep, primes = data["verdicts"][:2]
    assert (sleep["pick"], sleep["ties"], sleep["ratio"]) == ("async", ["async"], None)
    assert (primes["ties"], primes["beaten"]) == (["process-pool", "hybrid"], "thread-pool")
    assert primes["ratio"] == pytest.approx([1.888, 1.798, 1.982], abs=1e-3)
    assert (data["speed"], data["a_a"]) == ([0.98, 1.03], [])


def test_the_json_says_how_steady_the_machine_was(tmp_path: Path) -> None:
    twice = RowRatio("async", "async again", Range(1.01, 0.97, 1.05))
    lines = [
        *(GOOD, standing([GOOD], speed=[0.93, 1.02], again=twice)),
        *(SLOW, standing([SLOW], speed=[0.98, 1.21])),
    ]
    file = write(tmp_path / "run.jsonl", [plan([]), *lines])
    data = as_json(summarize(read(file)))
    assert data["speed"] == [0.93, 1.21]
    again = {"workload": "sleep", "row": "async", "ratio": [1.01, 0.97, 1.05]}
    assert data["a_a"] == [again]


def test_a_quiet_complete_run_has_no_warnings(tmp_path: Path) -> None:
    assert summary_of(tmp_path, [GOOD, WEAK]).warnings == ()


@pytest.mark.parametrize(
    ("line", "changes", "warning"),
    [
        (
            trial("sleep", "async", 80, valid=False, held=False, reasons=["Steal time 4 %."]),
            {},
            "1 of 1 trial was void. The first, `sleep` under async at 80 req/s: Steal time 4 %.",
        ),
        (
            result("sleep", "hybrid", 900, None),
            {},
            "The load generator reached its limit: `sleep` under hybrid sustains at least",
        ),
        (result("sleep", "hybrid", 610, 650), {}, "No single best for `sleep` (async and hybrid)"),
        (
            result("sleep", "hybrid", None, None, error="no answer"),
            {},
            "is unfinished: no answer.\nRepeat the command with --output",
        ),
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
            "1 of 2 cells were not measured: the run had ended.\nRepeat the command with --output",
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
        error = f"3 trials at 8{number}/s were void: {reason}"
        lines += [*3 * [flawed], result("sleep", model, None, None, error=error)]
    lines.append({"line": "end", "exit": 3, "reason": f"no result: {lines[3]['error']}; or wait"})
    summary = summary_of(tmp_path, lines)
    assert summary.warnings == (
        "9 of 9 trials were void.",
        "`sleep` under inline, `sleep` under async and `sleep` under hybrid are unfinished: 3 "
        "trials at 80/s were void: Other processes kept 1.20 cores busy. End them.",
        GO_ON,
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


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (result("w", "m", 148, 160), "148–160"),
        (result("w", "m", 159.6, 160.2), "160"),
        (result("w", "m", 1310, None), "≥ 1310"),
        (result("w", "m", 0, 4), "none (< 4)"),
        (result("w", "m", None, None, error="?"), "unfinished"),
        (result("w", "m", None, None, error="?", predicted=195.2), "unfinished (≈ 195?)"),
        (result("w", "m", 90, 99, state="unfinished", predicted=95.0), "unfinished (≈ 95?)"),
    ],
)
def test_a_capacity_reads_as_what_is_known_of_it(line: Line, text: str) -> None:
    assert interval_text(measured(line)) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Range(1.9, 1.72, 2.1), "1.9 × (1.7–2.1)"),
        (Range(1.01, 0.97, 1.05), "1.01 × (0.97–1.05)"),
        (Range(12.3, 9.6, 15.8), "12 × (10–16)"),
    ],
)
def test_a_ratio_has_its_interval(ratio: Range, text: str) -> None:
    assert ratio_text(ratio) == text


def test_unknown_causes_are_passed_on_and_names_are_listed() -> None:
    full = measured(result("w", "m", 1, 2, "the disk was full"))
    assert cause_sentence(full) == "the disk was full"
    assert cause_sentence(measured(result("w", "m", 1, 2))) == ""
    assert [listing(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_a_claim_that_its_proof_withdraws_is_no_cause_any_more(tmp_path: Path) -> None:
    cell = result("primes", "hybrid", 60, 70, "refused", blamed="cores")
    proof = {"line": "proof", "workload": "primes", "model": "hybrid", "sentence": "it did not"}
    for stands, cause in ((True, "cores"), (False, None)):
        folder = tmp_path / str(stands)
        [proved] = summary_of(folder, [cell, proof | {"stands": stands}]).cells
        assert (proved.cause, proved.proof["stands"]) == (cause, stands)
