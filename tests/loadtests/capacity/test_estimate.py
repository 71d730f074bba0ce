"""Estimates of rows: capacities at the usual speed, and ratios of rows, met or not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from loadtests.capacity.demands import Cost
from loadtests.capacity.estimate import Contender, Estimates, Range
from loadtests.capacity.queueing import Queue
from loadtests.capacity.stretch import STRETCHES, Round, Sample

LOSSES = tuple(10 / (1 + math.exp(-20 * (stretch - 0.1))) for stretch in STRETCHES)
QUEUE = Queue(1, 0.25)
LOSS = 0.01


def sample(
    row: str, demand_s: float | None, lost: float = 3.0, cpu_s: float | None = None
) -> Sample:
    return Sample(row, demand_s, lost, 10.0, LOSSES, cpu_s)


def turns(rows: str, speeds: Sequence[float] = (1.0, 1.5, 1.0, 1.0)) -> list[Round]:
    """Play a round at each speed: row a costs 10 ms, each further one as much more."""
    return [
        tuple(
            sample(row, 0.01 * (ord(row) - 96) * speed, lost=2.0 + (place + number) % 3)
            for place, row in enumerate(rows)
        )
        for number, speed in enumerate(speeds)
    ]


def estimated(rows: str, rounds: Sequence[Round]) -> Estimates:
    return Estimates([Contender(name, QUEUE, "loop") for name in rows], rounds, LOSS)


def test_too_few_rounds_give_no_estimate() -> None:
    rounds = [(sample("a", 0.01 * speed), sample("b", 0.02 * speed)) for speed in (1.0, 1.5, 1.0)]
    few = estimated("ab", rounds[:2])
    assert (few.rows, few.best, few.ties) == ({}, None, ())
    estimates = estimated("ab", rounds)
    assert estimates.best == "a"
    assert estimates.ties == ("a",)
    assert estimates.rows["a"].demand_s == pytest.approx(estimates.rows["b"].demand_s / 2)
    assert estimates.rows["a"].stretch == pytest.approx(math.exp(0.058), rel=0.02)
    sustained = [
        QUEUE.between(known.demand_s * known.stretch, LOSS)[0] for known in estimates.rows.values()
    ]
    assert estimates.ratio("a", "b").value == pytest.approx(sustained[0] / sustained[1])


def test_capacities_are_less_sure_where_the_speed_jumps_and_ratios_are_not() -> None:
    steady, jumping = (
        estimated("ab", turns("ab", speeds)) for speeds in ((1.0,) * 6, (1.0, 1.5) * 3)
    )
    assert jumping.rows["a"].capacity.error > 1.3 * steady.rows["a"].capacity.error
    assert jumping.ratio("a", "b").error == pytest.approx(steady.ratio("a", "b").error, rel=0.1)


def test_rows_without_a_measured_demand_are_left_out() -> None:
    rounds = [(sample("a", 0.01), sample("b", None))] * 4
    assert estimated("ab", rounds).rows.keys() == {"a"}


def test_a_ratio_the_other_way_round_is_its_inverse() -> None:
    estimates = estimated("ab", turns("ab"))
    ratio = estimates.ratio("a", "b")
    assert ratio.inverse == pytest.approx(estimates.ratio("b", "a"))
    assert ratio.inverse.error == pytest.approx(ratio.error)
    assert Range(2.0, 0.0, math.inf).inverse == (0.5, 0.0, math.inf)
    assert Range(2.0, 0.0, math.inf).error == math.inf


def test_speeds_are_relative_to_the_usual_one() -> None:
    rounds = turns("ab")
    assert estimated("ab", rounds).speeds == pytest.approx([1, 1, 1.5, 1.5, 1, 1, 1, 1], rel=1e-3)
    assert estimated("ab", []).speeds == []


def test_the_capacity_for_another_percentile_has_the_same_relative_error() -> None:
    estimates = Estimates([Contender("a", Queue(1, 0.25, (1.0,) * 97 + (12.0,) * 3), "loop")],
                          turns("a"), 0.05)  # fmt: skip
    known = estimates.rows["a"]
    assert estimates.at("a", 0.05) == pytest.approx(known.capacity)
    looser = estimates.at("a", 0.1)
    assert looser.value > known.capacity.value
    assert looser.error == pytest.approx(known.capacity.error)
    slow = Estimates([Contender("a", Queue(1, 0.25, (1.0,) * 97 + (100.0,) * 3), "loop")],
                     turns("a"), 0.05)  # fmt: skip
    assert slow.at("a", 0.01) == (0, 0, 0), "3 % of the work takes longer than the bound"


def test_rows_that_never_met_are_compared_through_a_common_row() -> None:
    rounds = [*turns("ac"), *turns("cb"), *turns("ad"), *turns("db")]
    estimates = estimated("abcd", rounds)
    through, met = estimates.ratio("a", "b"), estimates.ratio("a", "c")
    [more, less] = (QUEUE.between(demand_s * 1.06, LOSS)[0] for demand_s in (0.01, 0.02))
    assert through.value == pytest.approx(more / less, rel=0.05)
    assert met.error < through.error < 3 * met.error
    together = estimated("abcd", turns("abcd") * 4)
    assert together.ratio("a", "b").error < through.error
    assert estimates.behind("b")


def test_rows_that_have_no_row_in_common_have_an_open_ratio() -> None:
    estimates = estimated("ab", [*turns("a"), *turns("b")])
    ratio = estimates.ratio("a", "b")
    assert (ratio.low, ratio.high, ratio.error) == (0.0, math.inf, math.inf)
    assert not estimates.behind("b")
    assert {*estimates.ties} == {*"ab"}


def test_what_is_expected_of_losses_and_requests_counts_where_rounds_agree_by_chance() -> None:
    """Each round is like the others: the rounds alone would show hardly any error."""
    rounds = [tuple(sample(row, 0.01) for row in "abc")] * 4

    def ratio(group: str = "loop", shape: tuple[float, ...] = (1.0,)) -> Range:
        rows = [Contender(row, Queue(1, 0.25, shape), "loop") for row in "ab"]
        rows.append(Contender("c", Queue(1, 0.25), group))
        return Estimates(rows, rounds, LOSS).ratio("a", "c")

    assert ratio().error < 0.04, "the losses of rows with one binding resource are alike"
    assert ratio("gil").error > 0.08
    assert ratio(shape=(0.2, 1.8)).error > 1.2 * ratio().error


WAITS = Cost(0.095, 0.005, 0.005)
HALF = Cost(0.05, 0.05, 0.02)


@pytest.mark.parametrize(
    ("cost", "fixed", "demand_s"), [(WAITS, True, 0.1), (HALF, False, 0.1), (None, False, 0.02)]
)
def test_a_cost_says_how_far_a_row_follows_the_speed_of_the_machine(
    cost: Cost | None, fixed: bool, demand_s: float
) -> None:
    """Both speeds are equally frequent: at the usual one, everything takes 1.25 times as long."""
    contender = Contender("row", Queue(16, 1.0), "slots", cost)
    assert contender.fixed is fixed
    rounds = []
    for speed in (1.0, 1.5) * 3:
        cpu_s = speed * (cost.whole_s or 0.0) if cost else speed * 0.02
        taken_s = cost.at(cpu_s) if cost else cpu_s
        rounds.append((sample("a", 0.01 * speed), sample("row", taken_s, cpu_s=cpu_s)))
    estimates = Estimates([Contender("a", QUEUE, "loop"), contender], rounds, LOSS)
    known = estimates.rows["row"]
    usual = 1.25 * (cost.whole_s or 0.0) if cost else 1.25 * 0.02
    assert known.demand_s == pytest.approx(contender.demand_s(usual), rel=0.03)
    assert contender.demand_s(usual / 1.25) == pytest.approx(demand_s)
    assert len(estimates.speeds) == (6 if fixed else 12)
    capacity, _ = contender.queue.between(known.demand_s * known.stretch, LOSS)
    assert known.capacity.value == pytest.approx(capacity)
    assert known.utilisation == pytest.approx(capacity * known.demand_s / 16)
