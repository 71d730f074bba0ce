"""Runs are compared at equal speed of their machines, or not at all where that is unknown."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.report.compare.json import as_json
from loadtests.report.compare.markdown import markdown
from loadtests.report.compare.ratio import ratio_of
from loadtests.report.compare.sentences import cannot_tell, verdicts
from loadtests.report.compare.speed import speed_of
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import result_of
from tests.support.compared_runs import compared, run_of, simulated, waiting
from tests.support.run_files import result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.report.compare.comparison import Comparison
    from loadtests.run.file.lines import Line

SPEEDS = (0.7, 0.9, 1.0, 1.12, 1.5)


def comparison_of(seed: int, **truth: Any) -> Comparison:
    before, after = simulated(Random(seed), 28, **truth)
    return compared(run_of(*before, started="1"), run_of(*after, started="2"))


def signs(comparison: Comparison) -> dict[str, str]:
    return {r.cell.model: r.sign for r in comparison.ratios(0) if r.sign != "same"}


def cells(*demands: float, **changes: Any) -> list[Line]:
    """Make a CPU-bound cell for each demand, with the capacity that follows from it."""
    return [
        result("primes", f"model-{n}", 1.76 / demand, 1.84 / demand, demand_s=demand, **changes)
        for n, demand in enumerate(demands)
    ]


@pytest.mark.parametrize("dearer", SPEEDS)
def test_another_speed_of_the_machine_is_no_difference(dearer: float) -> None:
    comparison = comparison_of(1, dearer=dearer)
    assert signs(comparison) == {}
    (speed,) = comparison.speeds
    assert speed.factor.low < dearer < speed.factor.high
    assert speed.factor.error < 0.04
    for ratio in comparison.ratios(0):
        assert ratio.low < 1 < ratio.high


@pytest.mark.parametrize("dearer", SPEEDS)
def test_a_change_of_few_cells_is_seen_whatever_the_speed(dearer: float) -> None:
    changed = {"model-3": 1.3, "model-4": 1.3, "model-5": 0.7, "model-6": 0.7}
    comparison = comparison_of(2, dearer=dearer, changed=changed)
    less = {"model-3": "less", "model-4": "less"}
    assert signs(comparison) == less | {"model-5": "more", "model-6": "more"}
    assert comparison.regressions == 2
    for ratio in comparison.ratios(0):
        truth = 1 / changed.get(ratio.cell.model, 1.0)
        assert ratio.low < truth < ratio.high


@pytest.mark.parametrize("noise", [(0.005, 0.04), (0.03, 0.01), (0.05, 0.02)])
def test_at_most_one_comparison_in_twenty_shows_a_false_difference(
    noise: tuple[float, float],
) -> None:
    rng, wrong, times = Random(3), 0, 120
    for number in range(times):
        pairs = _pairs(*simulated(rng, 28, dearer=SPEEDS[number % 5], noise=noise))
        speed = speed_of(pairs)
        ratios = [ratio_of(before.cell, before, after, speed, 28) for before, after in pairs]
        wrong += any(ratio.sign != "same" for ratio in ratios)
    assert wrong <= 0.05 * times


def _pairs(before: Sequence[Line], after: Sequence[Line]) -> list[tuple[CellResult, CellResult]]:
    return list(zip(map(result_of, before), map(result_of, after), strict=True))


def test_swapping_two_runs_inverts_the_speed_and_the_ratios() -> None:
    before, after = simulated(Random(4), 9, dearer=1.3, changed={"model-1": 2.0})
    there, back = (speed_of(_pairs(*runs)) for runs in ((before, after), (after, before)))
    assert back.factor.value == pytest.approx(1 / there.factor.value, rel=0.01)
    for pair in _pairs(before, after):
        ratio = ratio_of(pair[0].cell, *pair, there, 9)
        inverse = ratio_of(pair[0].cell, *pair[::-1], back, 9)
        assert ratio.low * inverse.high == pytest.approx(1, rel=0.02)


def test_only_the_part_that_is_cpu_time_follows_the_speed() -> None:
    """Twice as dear CPU work makes a request that waits for half of its time 1.5 × as dear."""
    half = result("mixed", "thread-pool", 95, 105, demand_s=0.02, cpu_share=0.5)
    slower = {**half, "interval": [66.6, 63, 70], "demand_s": 0.03, "cpu_share": 2 / 3}
    comparison = compared(
        run_of(*cells(0.01, 0.02, 0.03), half), run_of(*cells(0.018, 0.036, 0.054), slower)
    )
    (ratio,) = (ratio for ratio in comparison.ratios(0) if ratio.cell.workload == "mixed")
    assert ratio.best == pytest.approx(66.6 / 99.87 * (0.5 + 0.5 * 1.8), abs=0.002)


def test_every_output_says_the_speed() -> None:
    comparison = compared(run_of(*cells(0.01, 0.02, 0.03)), run_of(*cells(0.0112, 0.0224, 0.0336)))
    first, *_, sentence = verdicts(comparison)
    assert first.startswith("B and A are statistically tied in all 3 cells.")
    assert sentence.startswith("The same work cost 1.12 × (1.0")
    assert sentence.endswith(
        ") as much CPU time in B as in A; capacities are compared at equal speed."
    )
    assert sentence in markdown(comparison)
    baseline, later = as_json(comparison)["runs"]
    assert (baseline["speed"], baseline["cannot_tell"], later["cannot_tell"]) == (None,) * 3
    value, low, high = later["speed"]
    assert value == pytest.approx(1.12)
    assert low < value < high


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ((0.01, 0.02), (0.01, 0.03), "takes at least 3 CPU-bound cells .* Here it is 2"),
        ((0.01, 0.02, 0.03, 0.04), (0.01, 0.03, 0.06, 0.03), "The 4 CPU-bound cells disagree: "),
        ((0.01, 0.02, 0.03), (0.03, 0.06, 0.09), "The same work cost 3.00 × as much CPU time"),
    ],
)
def test_cells_that_depend_on_an_unknown_speed_are_not_compared(
    before: tuple[float, ...], after: tuple[float, ...], why: str
) -> None:
    waits = waiting(result("sleep", "async", 90, 97))
    comparison = compared(run_of(*cells(*before), waits), run_of(*cells(*after), waits))
    assert [ratio.cell.workload for ratio in comparison.ratios(0)] == ["sleep"]
    assert comparison.regressions == 0
    reason = cannot_tell(comparison, 0)
    count = len(before)
    assert reason is not None
    assert reason.startswith(
        f"Cannot tell whether B sustains more or less than A in {count} of {count + 1} cells: "
    )
    assert re.search(why, reason)
    later = as_json(comparison)["runs"][1]
    assert (later["speed"], later["cannot_tell"]) == (None, reason)


def test_cells_that_wait_are_compared_without_a_speed() -> None:
    waits, less = (waiting(result("sleep", "async", low, low * 1.05)) for low in (90, 40))
    comparison = compared(run_of(waits), run_of(less))
    assert cannot_tell(comparison, 0) is None
    assert (signs(comparison), comparison.regressions) == ({"async": "less"}, 1)


def test_demands_of_different_resources_or_work_say_nothing_of_the_speed() -> None:
    before, after = cells(0.01, 0.02, 0.03, binding="cores"), cells(0.01, 0.02, 0.03)
    assert speed_of(_pairs(before, before)).doubt is None
    assert speed_of(_pairs(before, after)).doubt is not None
    other = run_of(*before, arguments={"param": ["primes.below=5"]})
    assert compared(run_of(*before), other).speeds[0].doubt is not None
    unknown = [{**line, "demand_s": None} for line in before]
    assert speed_of(_pairs(unknown, unknown)).doubt is not None
    assert cannot_tell(compared(run_of(*unknown), run_of(*unknown)), 0) is not None
