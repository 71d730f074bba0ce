"""Rows of known capacity are compared in rounds, on machines whose speed changes, in virtual time.

All draws are seeded, so what is asserted holds for these runs or never; `scripts/error` says how
often it holds for others.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from loadtests.capacity.estimate import Contender
from loadtests.capacity.queueing import Queue
from loadtests.capacity.rounds import LESS, QUICK, SIDES, SPARE, STEEPEST, SURE, Before, Rounds
from loadtests.capacity.stretch import STRETCHES, Sample
from loadtests.slo import FLOOR, Slo
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
RUNS = 3


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
    assert covered[False] <= 3, "of 21, where 95 % covers the truth, more would be a chance of 1 %"
    assert fmean(errors) <= 0.1
    assert fmean(seconds) <= QUICK.budget_s


def test_disturbed_trials_that_nobody_notices_mislead_no_one() -> None:
    for lab in labs("steady", disturbed=0.1):
        estimates = lab.measure(QUICK).estimates
        ratio = estimates.ratio("same", "first")
        assert ratio.low <= 1 <= ratio.high
        assert not estimates.behind("faster")


def test_a_row_that_waits_keeps_its_capacity_on_a_machine_with_two_speeds() -> None:
    rows = (*ROWS[:2], VirtualRow("waits", 16, 0.1, 0.02, 1.05, "slots", waits=True))
    for seed in range(2):
        lab = RoundsLab(rows, SLO, Machine("two speeds", seed), seed)
        estimates = lab.measure(QUICK).estimates
        known, truth = estimates.rows["waits"], lab.truth("waits", 0.1)
        assert lab.contenders["waits"].fixed
        assert known.demand_s == pytest.approx(0.1, rel=0.03)
        assert known.capacity.low <= truth <= known.capacity.high
        assert max(estimates.speeds) > 1.3 * min(estimates.speeds)


def test_rows_far_behind_get_fewer_trials() -> None:
    trials: Counter[str] = Counter()
    rows = (*ROWS[:2], VirtualRow("slow", 1, DEMAND_S))
    for seed in range(2):
        lab = RoundsLab(rows, SLO, Machine("steady", seed), seed)
        lab.measure(replace(QUICK, aim=0.02))
        trials.update(offer.row for offer in lab.offered)
    assert trials["slow"] < min(trials["first"], trials["same"])


def test_each_row_has_one_trial_in_a_round_and_the_order_changes() -> None:
    lab = RoundsLab(ROWS[:2], SLO, Machine("steady", 1), 1)
    rounds = lab.measure(replace(QUICK, aim=0.0, budget_s=60.0))
    orders = [tuple(sample.row for sample in played) for played in rounds.played]
    assert QUICK.most <= len(orders) <= SPARE * QUICK.most
    assert all(len({*order}) == len(order) for order in orders)
    assert {*orders} >= {("first", "same"), ("same", "first")}
    informative = Counter(s.row for turn in rounds.played for s in turn if 0 < s.lost < s.most)
    assert max(informative.values()) <= QUICK.most


def alone(row: VirtualRow, seed: int = 1, most_rate: float = math.inf) -> tuple[RoundsLab, Rounds]:
    lab = RoundsLab([row], SLO, Machine("steady", seed), seed)
    return lab, lab.measure(QUICK, most_rate=most_rate)


@pytest.mark.parametrize("stretch", [5.0, 0.45])
def test_rates_step_to_a_capacity_far_from_what_the_demand_promises(stretch: float) -> None:
    lab, rounds = alone(VirtualRow("row", 2, DEMAND_S, 0.1, stretch))
    known = rounds.estimates.rows["row"]
    truth = lab.truth("row", known.demand_s)
    rates = [offer.rate for offer in lab.offered]
    assert (rates[0] > 3 * truth) if stretch > 1 else (rates[0] < 0.7 * truth)
    assert known.capacity.low <= truth <= known.capacity.high
    assert known.stretch == pytest.approx(stretch, rel=0.15)
    assert max(b / a for a, b in pairwise(sorted(rates))) <= STEEPEST * SIDES[0] / SIDES[1]


def test_a_row_at_the_limit_of_the_generator_is_closed_there_and_among_the_best() -> None:
    lab = RoundsLab(ROWS, SLO, Machine("steady", 1), 1)
    rounds = lab.measure(QUICK, most_rate=100.0)
    rates = {row.name: [o.rate for o in lab.offered if o.row == row.name] for row in ROWS}
    assert rounds.limits == dict.fromkeys(("first", "same", "faster"), 100.0)
    assert all(rates[name] == [100.0] * SURE for name in rounds.limits)
    assert max(rates["slow"]) <= 100
    assert {*rounds.ties} == {*rounds.limits}
    assert rounds.estimates.rows.keys() == {"slow"}
    assert rounds.open() == []


def test_a_row_whose_service_takes_longer_than_the_bound_sustains_nothing() -> None:
    lab = RoundsLab([*ROWS[:1], VirtualRow("late", 4, 0.3)], SLO, Machine("steady", 1), 1)
    rounds = lab.measure(QUICK)
    assert rounds.idle == ["late"]
    assert [o.rate for o in lab.offered if o.row == "late"][-SURE:] == [FLOOR] * SURE
    assert rounds.estimates.rows.keys() == {"first"}
    assert (rounds.ties, rounds.open()) == (("first",), [])


def test_void_trials_in_half_of_the_rounds_cost_little_time_and_no_accuracy() -> None:
    quiet = RoundsLab(ROWS[:3], SLO, Machine("steady", 2), 2)
    quiet.measure(QUICK)
    lab = RoundsLab(ROWS[:3], SLO, Machine("steady", 2), 2, disturbed=0.5, noticed=True)
    rounds = lab.measure(QUICK)
    valid = sum(map(len, rounds.played))
    assert 0.3 * len(lab.offered) < valid < 0.7 * len(lab.offered)
    assert lab.took_s <= 1.5 * quiet.took_s
    estimates = rounds.estimates
    for row, known in estimates.rows.items():
        assert known.capacity.low <= lab.truth(row, known.demand_s) <= known.capacity.high
    ratio = estimates.ratio("faster", "first")
    assert ratio.low <= 1.25 <= ratio.high


def begun(names: str = "ab", **how: Any) -> Rounds:
    """Begin rounds over rows with the same queue."""
    contenders = [Contender(name, Queue(2, SLO.bound_s), "cores") for name in names]
    return Rounds(contenders, dict.fromkeys(names, DEMAND_S), SLO.loss_ratio, QUICK, **how)


def sample(row: str, lost: float, demand_s: float = DEMAND_S) -> Sample:
    losses = tuple(10 / (1 + math.exp(-20 * (stretch - 0.1))) for stretch in STRETCHES)
    return Sample(row, demand_s, lost, 10.0, losses)


def test_going_on_is_as_playing_through() -> None:
    lab = RoundsLab(ROWS, SLO, Machine("two speeds", 2), 2)
    whole = lab.measure(QUICK)
    demands = {row.name: row.demand_s for row in ROWS}
    contenders = [*lab.contenders.values()]
    for split in (2, len(whole.played)):
        before = Before(contenders, whole.played[:split])
        rest = Rounds(contenders, demands, SLO.loss_ratio, QUICK, before=before)
        for turn in whole.played[split:]:
            for trial in turn:
                rest.take(trial)
            rest.end()
        assert rest.estimates.rows == whole.estimates.rows
        assert (rest.ties, rest.played) == (whole.ties, whole.played)
        assert rest.estimates.ratio("slow", "first") == whole.estimates.ratio("slow", "first")
    some = Rounds(contenders[3:], demands, SLO.loss_ratio, QUICK, before=before)
    assert {*some.open()} <= {"slow"}
    assert some.estimates.rows.keys() == whole.estimates.rows.keys()


def test_rows_closed_before_stay_so_unless_they_are_measured_again() -> None:
    contenders = [Contender(name, Queue(2, SLO.bound_s), "cores") for name in "abc"]
    turns = [tuple(sample(row, 3.0) for row in "abc")] * 4
    before = Before(contenders, turns, {"a": 50.0}, ["b"])
    rest = begun("c", before=before)
    assert (rest.limits, rest.idle) == ({"a": 50.0}, ["b"])
    assert rest.estimates.rows.keys() == {"c"}
    again = begun("ab", before=before)
    assert (again.limits, again.idle) == ({}, [])
    assert again.estimates.rows.keys() == {"a", "b", "c"}


def test_two_trials_that_the_generator_spoils_in_a_row_lower_its_limit() -> None:
    rounds = begun("a", most_rate=100.0)

    def rate() -> float:
        [offer] = rounds.offers()
        return offer.rate

    for flawed in (True, False, True):
        assert rate() == 100
        rounds.miss("a", flawed=flawed)
    rounds.take(sample("a", 0.0))
    rounds.miss("a", flawed=True)
    assert rate() == 100, "never two in a row"
    rounds.miss("a", flawed=True)
    assert rate() == LESS * 100
    for _ in range(SURE):
        assert rounds.limits == {}
        rate()
        rounds.take(sample("a", 0.0))
    assert rounds.limits == {"a": LESS * 100}


def test_a_trial_that_loses_too_much_at_the_limit_begins_the_count_again() -> None:
    rounds = begun("a", most_rate=100.0)
    for lost in (0.0, 5.0, 1.0):
        [*rounds.offers()]
        rounds.take(sample("a", lost))
        assert rounds.limits == {}
    [*rounds.offers()]
    rounds.take(sample("a", 1.0))  # of 10 that count, which is ten times what is allowed
    assert rounds.limits == {"a": 100.0}


def test_witnesses_are_a_little_below_and_above_the_capacity_at_the_present_speed() -> None:
    rounds = begun()
    for _ in range(4):
        for name, demand_s in (("a", DEMAND_S), ("b", 1.1 * DEMAND_S)):
            rounds.take(sample(name, 3.0, demand_s))
        rounds.end()
    rounds.take(sample("b", 3.0, 2.2 * DEMAND_S))  # at half the speed
    offers = [*rounds.witnesses("ab")]
    rows = rounds.estimates.rows
    shares = [offer.rate / rows[offer.row].capacity.value for offer in offers]
    assert [offer.row for offer in offers] == [*"abab"]
    assert shares == pytest.approx([0.95, 0.475, 1.05, 0.525])
    assert rounds.expected(sample("a", 0.0)) == pytest.approx(3.0, abs=0.05)


def test_a_wrong_first_guess_is_found_out() -> None:
    queue = Queue(2, SLO.bound_s)
    rounds = Rounds(
        [Contender("row", queue, "cores")], {"row": 3 * DEMAND_S}, SLO.loss_ratio, QUICK
    )
    [(name, first, trial)] = rounds.offers()
    assert name == "row"
    assert trial.duration_s == pytest.approx(QUICK.requests / first)
    assert first == pytest.approx(2 / (3 * DEMAND_S), rel=0.3)
    nothing = (0.0,) * len(STRETCHES)
    rounds.take(Sample("row", DEMAND_S, 0.0, 10.0, nothing))
    rounds.end()
    [(_, second, _)] = rounds.offers()
    assert second == pytest.approx(3 * first, rel=0.15)


@pytest.mark.parametrize(
    ("rate", "loss_ratio", "duration_s"),
    [(200, 0.01, 2.0), (40, 0.01, 3.0), (5, 0.01, 6.0), (400, 0.001, 3.0), (1000, 0.001, 2.0)],
)
def test_a_trial_is_as_long_as_its_requests_take(
    rate: float, loss_ratio: float, duration_s: float
) -> None:
    care = replace(QUICK, settle_s=0.5, trial_s=2.0, requests=120)
    assert care.trial(rate, loss_ratio) == (0.5, duration_s)
