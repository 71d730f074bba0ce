"""A summary concludes what the intervals allow, and no more."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from loadtests.capacity.estimate import Range
from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.survival.markdown import markdown
from loadtests.report.trust import trust
from loadtests.run.file.cells import RowRatio
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line
from loadtests.slo import Slo
from tests.support.run_files import (
    ENVIRONMENT,
    FULL,
    NO_TWIN,
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
    "workload model row variant options python state held broke interval capacity ceiling "
    "binding predicted score efficiency utilisation demand_s rounds witness cause cause_evidence "
    "proof remedy guilty unsteady goals bystander_p99_ms cpu_ms_per_request pss_mib trials "
    "discarded unavailable error broke_by beyond at_load"
)
VERDICT = (
    "best workload pick sentence ties ratio beaten baseline more rate why next sure decided_by "
    "unfit unfinished about variants"
)


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


def test_workloads_without_a_result_share_one_sentence(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, [UNSTARTED, GOOD, UNSTARTED | {"workload": "sha256"}])
    assert summary.sentences == (
        summary.verdicts[1].sentence,
        "`primes` and `sha256`: no result in this run.",
    )


def test_the_json_has_the_agreed_keys(tmp_path: Path) -> None:
    data = as_json(summarize(read(write(tmp_path / "run.jsonl", FULL))))
    assert json.loads(json.dumps(data)) == data
    assert " ".join(data) == (
        "schema environment slo cells verdicts speed a_a trust warnings sections"
    )
    assert data["schema"] == 3
    assert [list(cell) for cell in data["cells"]] == [KEYS.split()] * 20
    assert [list(verdict) for verdict in data["verdicts"]] == [VERDICT.split()] * 4
    assert [v["workload"] for v in data["verdicts"]] == ["sleep", "primes", "sha256", "scrape"]
    assert [v["best"] for v in data["verdicts"]] == [
        *("async", "process-pool", "thread-pool", "hybrid")
    ]
    first = data["cells"][0]
    assert (first["held"], first["broke"], first["ceiling"]) == (14.2, 15.8, None)
    assert (first["row"], first["state"], first["interval"]) == ("inline", "measured", [14.2, 15.8])
    assert (first["rounds"], first["demand_s"], first["witness"]) == (5, 0.0111, [])
    limit = data["cells"][1]
    assert (limit["state"], limit["interval"]) == ("at generator limit", [1310.0, None])
    sleep, primes = data["verdicts"][:2]
    assert (sleep["pick"], sleep["ties"], sleep["beaten"]) == ("async", ["async"], "thread-pool")
    assert sleep["ratio"] == pytest.approx([8.19, 8.19, None], abs=0.01)
    assert (primes["ties"], primes["beaten"]) == (["process-pool", "hybrid"], "thread-pool")
    assert (primes["baseline"], primes["decided_by"]) == ("inline", "fewer parts")
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
            "Many trials were void; the first, `sleep` under async at 80 req/s: Steal time 4 %.",
        ),
        (
            result("sleep", "hybrid", None, None, error="no answer"),
            {},
            "`sleep` under hybrid is unfinished: no answer.",
        ),
        ({"line": "end", "exit": 3, "reason": "too noisy"}, {}, "ended early: too noisy."),
        (trial("sleep", "async", 80), {"arguments": {"host": "http://a"}}, "did not start"),
        (
            trial("sleep", "async", 80),
            {"environment": ENVIRONMENT | {"load_average": [2.4, 1, 1]}},
            "busy before the run started (load average 2.4 on 2 cores)",
        ),
    ],
)
def test_what_weakens_a_result_is_warned_of(
    tmp_path: Path, line: Line, changes: dict[str, Any], warning: str
) -> None:
    summary = summary_of(tmp_path, [result("sleep", "async", 600, 640), line], **changes)
    assert warning in "\n".join(summary.warnings)


def test_ties_and_limits_are_in_the_answers_and_not_warned_of(tmp_path: Path) -> None:
    tied = result("sleep", "hybrid", 610, 650)
    limit = result("sleep", "process-pool", 900, None)
    assert summary_of(tmp_path, [GOOD, tied, limit]).warnings == ()


def test_trust_says_what_a_run_distinguishes_and_what_it_lacks(tmp_path: Path) -> None:
    lines = [GOOD | {"discarded": 1}, WEAK, FAILED, UNSTARTED]
    [first, second] = trust(summary_of(tmp_path / "a", lines), "results/mine")
    assert first == "Quick run · shows differences from 8 % on · 1 of 32 trials was void."
    assert second == (
        "Unfinished: `sleep` under hybrid and `primes` under inline; `scripts/survive --retry "
        "results/mine` goes on with this run."
    )
    first_line = plan([("sleep", "async"), ("sleep", "inline")], mode="full")
    uneven = [first_line, GOOD, WEAK, standing([GOOD, WEAK], speed=[0.9, 1.3])]
    [line] = trust(summarize(read(write(tmp_path / "b.jsonl", uneven))))
    assert line == (
        "Full run · shows differences from 8 % on · no trial was void · CPU speed "
        "varied: the same work took 0.90–1.30 × as long."
    )
    [alone] = trust(summary_of(tmp_path / "c", [GOOD | {"trials": 0}]))
    assert alone == "Quick run."


def test_trust_says_when_too_few_requests_were_sent_for_the_percentile(tmp_path: Path) -> None:
    trials = [trial("sleep", "async", 80, valid=valid) for valid in (True, True, False)]
    for slo, mode, caution in (
        ("p99.9<250ms", "quick", "one late request in 1,000, and a cell had only 800 in all its "),
        ("p99.99<250ms", "full", "only 800 in all its trials: choose a lower percentile."),
        ("p99<250ms", "quick", ""),
    ):
        lines = [plan([("sleep", "async")], slo=slo, mode=mode), *trials, GOOD]
        [line] = trust(summarize(read(write(tmp_path / f"{slo}.jsonl", lines))))
        assert caution in line
        assert ("allows" in line) == bool(caution)


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
        "`sleep` under inline, `sleep` under async and `sleep` under hybrid are unfinished: 3 "
        "trials at 80/s were void: Other processes kept 1.20 cores busy. End them.",
    )
    assert markdown(summary).count("cores busy") == 1


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


def test_a_claim_that_its_proof_withdraws_is_no_cause_any_more(tmp_path: Path) -> None:
    cell = result("primes", "hybrid", 60, 70, "refused", blamed="cores")
    proof = {"line": "proof", "workload": "primes", "model": "hybrid", "sentence": "it did not"}
    for stands, cause in ((True, "cores"), (False, None)):
        folder = tmp_path / str(stands)
        [proved] = summary_of(folder, [cell, proof | {"stands": stands}]).cells
        assert (proved.cause, proved.proof["stands"]) == (cause, stands)
