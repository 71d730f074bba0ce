"""Rows of known capacity are compared in rounds, on machines whose speed changes, in virtual time.

All draws are seeded, so what is asserted holds for these runs or never; `scripts/error` says how
often it holds for others.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from statistics import fmean

import pytest

from loadtests.capacity.estimate import Contender, Estimates
from loadtests.capacity.queueing import Queue
from loadtests.capacity.rounds import QUICK, Rounds
from loadtests.capacity.stretch import STRETCHES, Sample
from loadtests.slo import Slo
from scripts.checks.shared.changing_machine import Behaviour, Machine, RoundsLab, VirtualRow

SLO = Slo.parse("p99<250ms")
KINDS: tuple[Behaviour, ...] = ("steady", "two speeds", "wanders")
DEMAND_S = 0.013
ROWS = (
    VirtualRow("first", 2, DEMAND_S, 0.1),
    VirtualRow("same", 2, DEMAND_S, 0.1),
    VirtualRow("faster", 2, DEMAND_S / 1.25, 0.1),
    VirtualRow("slow", 1, DEMAND_S, 0.1, stretch=1.1, group="gil"),
)
RUNS = 4


def labs(kind: Behaviour, disturbed: float = 0.0) -> list[RoundsLab]:
    return [RoundsLab(ROWS, SLO, Machine(kind, seed), seed, disturbed) for seed in range(RUNS)]


@pytest.mark.parametrize("kind", KINDS)
def test_ratios_and_capacities_are_within_their_intervals(kind: Behaviour) -> None:
    covered, errors, seconds = Counter[bool](), [], []
    for lab in labs(kind):
        estimates = lab.measure(QUICK).estimates
        seconds.append(lab.took_s / len(ROWS))
        assert estimates.rows.keys() == {row.name for row in ROWS}
        truths = {row: lab.truth(row, known.demand_s) for row, known in estimates.rows.items()}
        for row, known in estimates.rows.items():
            covered[known.capacity.low <= truths[row] <= known.capacity.high] += 1
        for row in ("same", "faster", "slow"):
            ratio = estimates.ratio(row, "first")
            covered[ratio.low <= truths[row] / truths["first"] <= ratio.high] += 1
        errors.append(estimates.ratio("same", "first").error)
        assert estimates.best == "faster"
        assert estimates.behind("slow")
        assert "faster" in estimates.ties
    assert covered.total() == RUNS * 7
    assert covered[False] <= 4, "of 28, where 95 % covers the truth, more would be a chance of 1 %"
    assert fmean(errors) <= 0.1
    assert fmean(seconds) <= QUICK.budget_s


def test_disturbed_trials_that_nobody_notices_mislead_no_one() -> None:
    for lab in labs("steady", disturbed=0.15):
        estimates = lab.measure(QUICK).estimates
        ratio = estimates.ratio("same", "first")
        assert ratio.low <= 1 <= ratio.high
        assert not estimates.behind("faster")


def test_rows_far_behind_get_fewer_trials() -> None:
    trials: Counter[str] = Counter()
    for lab in labs("two speeds"):
        lab.measure(replace(QUICK, aim=0.05))
        trials.update(offer.row for offer in lab.offered)
    assert trials["slow"] < trials["first"] <= trials["faster"]


def test_each_row_has_one_trial_in_a_round_and_the_order_changes() -> None:
    lab = RoundsLab(ROWS[:2], SLO, Machine("steady", 1), 1)
    rounds = lab.measure(replace(QUICK, aim=0.0))
    orders = [tuple(sample.row for sample in played) for played in rounds.played]
    assert len(orders) == QUICK.most
    assert all(sorted(order) == sorted(row.name for row in lab.rows) for order in orders)
    assert len(set(orders)) > 1


def test_no_rate_is_higher_than_the_generator_can_offer() -> None:
    lab = RoundsLab(ROWS, SLO, Machine("steady", 1), 1)
    lab.measure(QUICK, most_rate=100.0)
    assert max(offer.rate for offer in lab.offered) == 100.0
    assert min(offer.rate for offer in lab.offered) < 100.0  # of the slow row


def test_a_wrong_first_guess_is_found_out() -> None:
    queue = Queue(2, SLO.bound_s)
    rounds = Rounds(
        [Contender("row", queue, "cores")], {"row": 3 * DEMAND_S}, SLO.loss_ratio, QUICK
    )
    [(name, first, trial)] = rounds.offers()
    assert name == "row"
    assert trial.duration_s == pytest.approx(120 * 3 * DEMAND_S / 2)
    assert first == pytest.approx(2 / (3 * DEMAND_S), rel=0.3)
    nothing = (0.0,) * len(STRETCHES)
    rounds.take(Sample("row", DEMAND_S, 0.0, 10.0, nothing))
    rounds.end()
    [(_, second, _)] = rounds.offers()
    assert second == pytest.approx(3 * first, rel=0.15)


def test_too_few_rounds_give_no_estimate() -> None:
    contenders = [Contender(name, Queue(1, 0.25), "loop") for name in "ab"]
    losses = tuple(10 / (1 + math.exp(-20 * (stretch - 0.1))) for stretch in STRETCHES)
    rounds = [
        (Sample("a", 0.01 * speed, 3.0, 10.0, losses), Sample("b", 0.02 * speed, 3.0, 10.0, losses))
        for speed in (1.0, 1.5, 1.0)
    ]
    assert Estimates(contenders, rounds[:2], 0.01).rows == {}
    assert Estimates(contenders, rounds[:2], 0.01).best is None
    estimates = Estimates(contenders, rounds, 0.01)
    assert estimates.best == "a"
    assert estimates.ties == ("a",)
    assert estimates.rows["a"].demand_s == pytest.approx(estimates.rows["b"].demand_s / 2)
    assert estimates.rows["a"].stretch == pytest.approx(math.exp(0.058), rel=0.02)
    sustained = [contenders[0].queue.between(known.demand_s * known.stretch, 0.01)[0]
                 for known in estimates.rows.values()]  # fmt: skip
    assert estimates.ratio("a", "b").value == pytest.approx(sustained[0] / sustained[1])


def test_rows_that_never_met_in_enough_rounds_have_an_open_ratio() -> None:
    contenders = [Contender(name, Queue(1, 0.25), "loop") for name in "ab"]
    losses = tuple(10 / (1 + math.exp(-20 * (stretch - 0.1))) for stretch in STRETCHES)
    alone = [[(Sample(row, 0.01, 3.0, 10.0, losses),)] * 3 for row in "ab"]
    estimates = Estimates(contenders, [*alone[0], *alone[1]], 0.01)
    ratio = estimates.ratio("a", "b")
    assert (ratio.low, ratio.high, ratio.error) == (0.0, math.inf, math.inf)
    assert not estimates.behind("b")


def test_rows_without_a_measured_demand_are_left_out() -> None:
    contenders = [Contender(name, Queue(1, 0.25), "loop") for name in "ab"]
    losses = (1.0,) * len(STRETCHES)
    rounds = [
        (Sample("a", 0.01, 1.0, 5.0, losses), Sample("b", None, 5.0, 5.0, losses)) for _ in range(4)
    ]
    assert Estimates(contenders, rounds, 0.01).rows.keys() == {"a"}
