"""The logic of scripts/error: what it simulates, and how it sums up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.capacity.estimate import Range
from loadtests.capacity.rounds import QUICK
from scripts.checks.error.accuracy import HEAD, Accuracy, Measurement, measure, summary
from scripts.checks.error.cases import CASES, ErrorCase
from scripts.checks.shared.changing_machine import Machine, RoundsLab, VirtualRow

FAST = replace(QUICK, requests=40, trial_s=0.5, most=4)


def test_each_case_has_a_name_of_its_own() -> None:
    names = [str(case) for case in CASES]
    assert len({*names}) == len(names)
    assert names[:2] == ["steady", "two speeds"]
    assert str(ErrorCase(disturbed=0.2, noticed=True)) == "20% of trials void, steady"
    assert str(ErrorCase(variation=1.0, service_ms=8.0)) == "2 × 8 ms, cv 1, steady"


def test_trials_that_are_known_to_be_disturbed_are_void() -> None:
    rows = [VirtualRow(name, 2, 0.0125) for name in "ab"]
    lab = RoundsLab(rows, ErrorCase().slo, Machine("steady", 1), 1, disturbed=0.5, noticed=True)
    rounds = lab.measure(replace(FAST, aim=0.0))
    valid = sum(len(played) for played in rounds.played)
    assert 0 < valid < len(lab.offered)
    demands = [sample.demand_s for played in rounds.played for sample in played]
    assert demands == pytest.approx([0.0125] * valid, rel=0.1)


def test_a_measurement_of_a_case_knows_what_it_got_right() -> None:
    case = ErrorCase(variation=0.0)
    result = measure((case, FAST, "seed"))
    assert (len(result.capacities), result.missing) == (5, 0)
    assert (len(result.ratios), len(result.across)) == (6, 4)
    assert result.same
    assert result.differ.keys() == {"10 %", "20 %"}
    assert result.rounds >= 4
    assert result.seconds > 4 * (FAST.settle_s + FAST.trial_s) / 2
    assert measure((case, FAST, "seed")) == result


def outcome(right: int, low: float = 0.9, *, power: bool = True) -> Measurement:
    rows = [place < right for place in range(20)]
    return Measurement(rows, [0.02] * 20, [0.05] * 20, [True] * 19 + [False], [True] * 19 + [False],
                       Range(1.0, low, 1.1), {"10 %": power, "20 %": True}, 0, 12.0, 5)  # fmt: skip


def test_cases_that_are_not_as_they_should_be_come_first() -> None:
    good = Accuracy(ErrorCase(), [outcome(19), outcome(19, power=False)])
    bad = Accuracy(ErrorCase("wanders"), [outcome(10), outcome(20, 1.01)])
    assert list(summary([good, bad])) == [
        "85.0% of the 95 % intervals of capacities contain the truth.",
        "95.0% of the 95 % intervals of ratios contain the truth.",
        "95.0% of the 95 % intervals of ratios across resources contain the truth.",
        "Below 93%: 1 of 2 cases.",
        "- wanders: capacities 75% ± 25%",
    ]
    assert list(summary([good]))[-1] == "Below 93%: none of 1 cases."
    line = "| steady | 95% | +2.0% | 5.0% | 95% | 95% | 0% | 10.6% | 50% | 100% | 12 | 5 | – |"
    assert good.line() == line
    assert {text.count("|") for text in (*HEAD, line)} == {14}
    assert "| 50% |" in bad.line()


def test_a_case_without_any_result_has_too_low_a_share() -> None:
    nothing = Accuracy(ErrorCase(), [Measurement(missing=5)] * 2)
    assert nothing.line().startswith("| steady | – | – | – | – | – | – | – | 0% | 0% |")
    assert nothing.line().endswith("| 100% |")
    assert "- steady: capacities unknown, ratios unknown, ratios across resources unknown" in list(
        summary([nothing])
    )
