"""A percentile is claimed only from enough requests; otherwise the lack is reported."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from loadtests.capacity.bounds import Capacity, TrialPoint
from loadtests.capacity.goals import FULL, QUICK
from loadtests.capacity.support import MOST, objective, support, supported
from loadtests.report.compare.warnings import warnings
from loadtests.report.summary import Summary, exit_code, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.survival.markdown import markdown
from loadtests.report.verdicts import leaders
from loadtests.run.file.fold import read
from loadtests.slo import Slo
from scripts.checks.shared.virtual import SLO, Lab, Service
from tests.support.cli import run
from tests.support.compared_runs import compared, run_of
from tests.support.run_files import plan, result, write

STRICT = SLO.at(99.9)
ALONE = Service("inline", 1, 0.010)
FEW = [[63.0, 1.0, 0.0], [75.0, 1.0, 0.0], [112.0, 1.0, 0.5]]
MANY = [[75.0, 50.0, 0.0005], [112.0, 1.0, 0.5]]
SLOWER = [[30.0, 100.0, 0.0], [34.0, 90.0, 1.0]]
OPEN = [[2000.0, 1.0, 0.0], [2000.0, 1.0, 0.0]]


def summary_of(path: Path, *cells: dict[str, Any], slo: Slo = STRICT, **changes: Any) -> Summary:
    names = [(cell["workload"], cell["model"]) for cell in cells]
    return summarize(
        read(write(path / "run.jsonl", [plan(names, slo=str(slo), **changes), *cells]))
    )


def cell(model: str, tried: list[list[float]], held: float = 75, broke: float | None = 112) -> Any:
    return result("sleep", model, held, broke, "late", tried=tried)


@pytest.mark.parametrize(
    ("percentile", "seconds", "enough"),
    [
        *((99, 4.9, False), (99, 5.0, True), (99.9, 49.0, False), (99.9, 50.0, True)),
        (95, 1.0, True),
    ],
)
def test_the_bystander_needs_as_many_requests_as_the_work(
    percentile: float, seconds: float, enough: bool
) -> None:
    counted = support(SLO.at(percentile), 2000, None, [TrialPoint(2000, seconds, 0.0)])
    assert counted.enough is enough
    assert counted.requests >= counted.needed
    assert (" of /health takes" in counted.lack) is not enough


def test_only_what_held_at_the_rate_or_above_it_counts() -> None:
    trials = [
        *(
            TrialPoint(75, 5, 0.0),
            TrialPoint(75, 5, 0.02),
            TrialPoint(80, 1, 0.01),
            TrialPoint(70, 5, 0.0),
        ),
        *(TrialPoint(90, 5, 0.0), TrialPoint(95, 5, 1.0)),
    ]
    assert support(SLO, 75.004, 90, trials).requests == 375 + 80
    searches = [Capacity(75, 90, trials=tuple(trials)), Capacity(70, 75, trials=tuple(trials))]
    counted = supported(SLO, searches)
    assert counted is not None
    assert counted.requests == 375 + 80 + 350
    assert supported(SLO, [Capacity(75, 90)]) is None, "older run files lack the trials"
    assert supported(SLO, [Capacity(0, 1, trials=tuple(trials))]) is None, "nothing is claimed"


@pytest.mark.parametrize("seed", range(4))
def test_a_quick_search_looks_long_enough_for_a_strict_percentile(seed: int) -> None:
    service = Service("M/D/2", 2, 0.002)  # p99.9 within 250 ms up to 986 a second
    capacity = Lab(service, STRICT, Random(seed)).search(QUICK, 950)
    assert support(STRICT, capacity.held, capacity.broke, capacity.trials).enough
    assert 0.8 * 986 <= capacity.held <= 1.05 * 986


@pytest.mark.parametrize(
    "service", [Service("30/s", 1, 1 / 30), Service("50/s", 1, 0.020)], ids=str
)
def test_a_slow_service_is_not_taken_for_a_fast_one(service: Service) -> None:
    for seed in range(4):
        capacity = Lab(service, SLO, Random(seed)).search(QUICK, service.ceiling)
        assert support(SLO, capacity.held, capacity.broke, capacity.trials).enough
        assert capacity.held <= 1.05 * service.ceiling, "trials of 30 requests found 1.3 times that"


def test_what_has_requests_enough_is_searched_as_before() -> None:
    lab = Lab(ALONE, SLO, Random(3))
    capacity = lab.search(QUICK, 90)
    assert support(SLO, capacity.held, capacity.broke, capacity.trials).enough
    assert lab.clock_s < QUICK.budget_s + QUICK.trial_s + 2
    assert FULL.patience_s == 0, "a full search ends as soon as it did"


def test_a_rate_from_few_requests_is_marked_everywhere_and_starred_nowhere(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, cell("inline", FEW), cell("async", SLOWER, 30, 34))
    few, many = summary.cells
    assert (few.shown, many.shown) == (False, True)
    assert not leaders(summary.cells, summary.slo)
    data = as_json(summary)["cells"]
    assert data[0]["support"] == {
        "percentile": "p99.9",
        "needed": 2995,
        "requests": 75,
        "bystander": 60,
        "enough": False,
    }
    assert data[1]["support"]["enough"]
    lack = "p99.9 takes 2,995 requests, and the trials that held had 75"
    text = markdown(summary)
    assert f"<sup>1</sup> {lack}" in text
    assert "?<sup>1</sup>" in text
    assert "★" not in text
    [warning] = [text for text in summary.warnings if lack in text]
    assert warning.endswith("use --full or --slo 'p99<250ms'.")
    [verdict] = summary.verdicts
    assert verdict.best == "async"
    assert verdict.sentence.endswith("inline had too few requests to compare.")


def test_alone_it_has_no_verdict(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, cell("inline", FEW))
    [verdict] = summary.verdicts
    assert verdict.best is None
    assert verdict.sentence.startswith(
        "`sleep`: too few requests to show that inline meets p99.9<250ms"
    )
    assert "sustain" not in verdict.sentence
    open_ended = summary_of(tmp_path / "open", cell("inline", OPEN, 2000, None))
    [warning] = [text for text in open_ended.warnings if "`sleep`" in text]
    assert "at least" not in warning


@pytest.mark.parametrize(
    ("line", "at_least", "code"),
    [
        *(
            (cell("inline", FEW), 50, 3),
            (cell("inline", FEW), 100, 1),
            (cell("inline", FEW), None, 0),
        ),
        *((cell("inline", OPEN, 2000, None), 1000, 3), (cell("inline", MANY), 50, 0)),
        (cell("inline", []), 50, 0),
    ],
)
def test_at_least_is_answered_by_enough_requests_alone(
    tmp_path: Path, line: Any, at_least: float | None, code: int
) -> None:
    assert exit_code(summary_of(tmp_path, line), at_least) == code


def test_p99_and_a_further_percentile_need_theirs(tmp_path: Path) -> None:
    held = [[60.0, 20.0, 0.0], [60.0, 20.0, 0.0005], [66.0, 20.0, 0.2]]
    goals = {"p95<250ms": [60.0, 66.0], "p99.9<250ms": [60.0, 66.0]}
    line = cell("inline", held, 60, 66) | {"goals": goals}
    [result] = summary_of(tmp_path, line, slo=SLO, mode="full").cells
    assert result.shown
    assert list(result.goals) == ["p95<250ms"], "2,400 requests do not show p99.9"


def test_runs_are_not_compared_by_it() -> None:
    before, after = (
        run_of(cell("inline", tried, *rates), slo=str(STRICT))
        for tried, rates in ((MANY, (75.0, 112.0)), (FEW, (20.0, 30.0)))
    )
    comparison = compared(before, after)
    assert not comparison.ratios(0)
    assert comparison.regressions == 0
    assert "(p99.9 takes 2,995 requests, and the trials that held had" in "".join(
        warnings(comparison)
    )


def test_what_no_run_could_show_is_refused_with_the_requests_that_it_takes() -> None:
    assert objective("p99.999<250ms").percentile == 99.999
    for words in (("survive", "--workloads", "noop"), ("surge",)):
        ended = run("loadtests", *words, "--slo", "p99.9999999<250ms")
        assert (ended.code, ended.out) == (2, "")
        assert "p99.9999999 takes 2,995,732,2" in ended.err
        assert f"{MOST:,}" in ended.err
