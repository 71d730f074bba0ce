"""The stretch of service times is found from the losses of simulated trials, and shared by rows."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from statistics import fmean, stdev

import pytest

from loadtests.capacity.queueing import Queue
from loadtests.capacity.stretch import (
    ALIKE,
    DRAWS,
    STEP,
    STRETCHES,
    Group,
    Round,
    Sample,
    curve,
    error_of,
    gap_of,
    grouped,
    jackknife_variance,
    losses_at,
    most_lost,
    stretch_of,
)

DEMAND_S = 0.01
LOSS = 0.01


def trial(row: str, stretch: float, rate: float, seed: object, noise: float = 0.0) -> Sample:
    """Run a trial on two servers whose requests take longer than their demand says."""
    queue, rng, duration_s = Queue(2, 0.25), Random(f"{row}/{seed}"), 2.0
    stretch += rng.gauss(0, noise)
    count = round(rate * duration_s)
    arrivals = sorted(rng.random() * duration_s for _ in range(count))
    most = most_lost(count, LOSS)
    late = min(queue.late(arrivals, [1.0] * count, DEMAND_S * math.exp(stretch), most), most)
    return Sample(row, DEMAND_S, late, most, curve(queue, arrivals, DEMAND_S, most, seed))


@pytest.mark.parametrize("stretch", [-0.2, 0.0, 0.13])
def test_the_stretch_of_simulated_trials_is_found(stretch: float) -> None:
    limit = 2 / (DEMAND_S * math.exp(stretch))
    samples = [trial("row", stretch, limit * (1.04 + 0.02 * n), n) for n in range(6)]
    assert sum(sample.lost for sample in samples) > 0
    assert stretch_of(samples) == pytest.approx(stretch, abs=0.01)


def test_losses_grow_with_the_stretch_up_to_what_counts() -> None:
    sample = trial("row", 0.0, 215.0, 1)
    assert list(sample.curve) == sorted(sample.curve)
    assert (sample.curve[0], sample.curve[-1]) == (0.0, sample.most)
    assert len(sample.curve) == len(STRETCHES)


@pytest.mark.parametrize(("shape", "draws"), [((1.0,), 1), ((0.5, 1.0, 1.0, 2.0), DRAWS)])
@pytest.mark.parametrize("rate", [120.0, 215.0, 400.0])
def test_halving_finds_the_same_losses_as_all_stretches(
    shape: tuple[float, ...], draws: int, rate: float
) -> None:
    queue, rng = Queue(2, 0.25, shape), Random(5)
    arrivals = sorted(rng.uniform(-0.5, 2.0) for _ in range(round(2.5 * rate)))
    most, drawn = most_lost(round(2 * rate), LOSS), Random("seed")
    every = [queue.times(len(arrivals), drawn) for _ in range(draws)]
    losses = [
        fmean(
            min(queue.late(arrivals, times, DEMAND_S * len(times) / math.fsum(times)
                           * math.exp(stretch), most), most)
            for times in every
        )
        for stretch in STRETCHES
    ]  # fmt: skip
    assert curve(queue, arrivals, DEMAND_S, most, "seed") == tuple(losses)


def test_losses_between_two_stretches_are_interpolated() -> None:
    losses = tuple(float(place) for place in range(len(STRETCHES)))
    sample = Sample("row", DEMAND_S, 0.0, 200.0, losses)
    for place, expected in ((0, 0), (7.25, 7.25), (-3, 0), (len(losses) + 3, losses[-1])):
        assert losses_at(sample, STRETCHES[0] + STEP * place) == pytest.approx(expected)


def test_a_gap_between_trials_that_lost_all_and_nothing_is_halved() -> None:
    """Any stretch in the gap explains such trials: its lower end would be too good a capacity."""

    def step(lost: float, at: float) -> Sample:
        return Sample("row", DEMAND_S, lost, 9.0, tuple(9.0 * (s > at) for s in STRETCHES))

    assert stretch_of([step(9.0, 0.1), step(0.0, 0.5)]) == pytest.approx(0.31, abs=STEP)
    assert stretch_of([step(9.0, 0.1), step(9.0, 0.3)]) == pytest.approx(0.31, abs=STEP)
    partly = replace(step(2.0, 0.5), curve=tuple(2.0 * (s > 0.2) for s in STRETCHES))
    assert stretch_of([partly]) == pytest.approx(0.21, abs=STEP), "no trial shows its end"


def test_a_trial_counts_no_more_losses_than_say_anything() -> None:
    assert most_lost(400, 0.01) == pytest.approx(40)
    assert most_lost(400, 0.05) == pytest.approx(200)
    assert most_lost(10, 0.001) == 1


def test_without_a_loss_no_stretch_is_assumed_that_would_have_lost_something() -> None:
    assert stretch_of([trial("row", 0.0, 150.0, 1)]) == 0
    fast = trial("row", -0.3, 240.0, 1)
    assert fast.lost == 0
    assert -0.3 < stretch_of([fast]) < -0.05


def test_losses_beyond_all_simulated_ones_give_the_ends() -> None:
    sample = replace(trial("row", 0.0, 215.0, 1), lost=5.0)
    for losses, end in ((0.0, STRETCHES[-1]), (9.0, STRETCHES[0])):
        assert stretch_of([replace(sample, curve=(losses,) * len(STRETCHES))]) == end


def played(**stretches: float) -> list[Round]:
    """Play rounds of trials around the capacities of rows with these stretches."""
    return [
        tuple(
            trial(
                row, stretch, (1.03 + 0.02 * (n % 6)) * 2 / (DEMAND_S * math.exp(stretch)), n, 0.02
            )
            for row, stretch in stretches.items()
        )
        for n in range(12)
    ]


def test_rows_that_differ_keep_their_own_stretch_where_it_is_known_well() -> None:
    rounds = played(a=0.0, b=0.1)
    group = grouped(["a", "b"], rounds)
    assert group.spread == pytest.approx(0.1 / math.sqrt(2), rel=0.1)
    assert all(0.9 < group.own[row] < 1 for row in "ab")
    shared, common = group.stretches(rounds), grouped([*"ab"], []).stretches(rounds)["a"]
    own = {row: stretch_of([s for turn in rounds for s in turn if s.row == row]) for row in "ab"}
    assert own["a"] < shared["a"] < common < shared["b"] < own["b"]
    assert shared == pytest.approx({"a": 0.0, "b": 0.1}, abs=0.01)
    assert group.unknown("a") == pytest.approx((1 - group.own["a"]) * group.spread)
    alone = grouped(["b"], rounds)
    assert alone.stretches(rounds)["b"] == own["b"]
    assert alone.unknown("b") == 0


def test_rows_that_scatter_by_chance_alone_share_one_stretch() -> None:
    rounds = played(a=0.05, b=0.05, c=0.05)
    group = grouped([*"abc"], rounds)
    assert group.spread == pytest.approx(ALIKE)
    assert all(0 < share < 0.7 for share in group.own.values())
    shared = [*group.stretches(rounds).values()]
    assert max(shared) - min(shared) < ALIKE
    assert shared == pytest.approx([0.05] * 3, abs=0.01)


def test_a_row_without_a_loss_says_nothing_of_the_scatter() -> None:
    rounds = [(*turn, replace(turn[0], row="idle", lost=0.0)) for turn in played(a=0.0, b=0.1)]
    assert grouped(["a", "b", "idle"], rounds).own == grouped(["a", "b"], rounds).own
    assert grouped(["idle", "absent"], rounds) == Group(("idle", "absent"), {})


def test_rows_without_trials_have_the_stretch_of_their_group() -> None:
    rounds = [(trial("a", 0.1, 195.0, n),) for n in range(4)]
    shared = grouped(["a", "b"], rounds).stretches(rounds)
    assert shared["b"] == stretch_of([sample for (sample,) in rounds])
    assert Group(("a", "b"), {}).stretches([]) == {"a": 0.0, "b": 0.0}


def test_the_jackknife_of_a_mean_is_its_variance() -> None:
    values = [1.0, 2.0, 4.0, 9.0]
    total = sum(values)
    without = [(total - value) / 3 for value in values]
    mean = total / 4
    expected = sum((value - mean) ** 2 for value in values) / 3 / 4
    assert jackknife_variance(without) == pytest.approx(expected)


def test_stretches_that_explain_the_losses_as_well_are_part_of_the_error() -> None:
    width = len(STRETCHES)
    steps = tuple(0.0 if place < 60 else 10.0 for place in range(width))
    later = tuple(0.0 if place < 70 else 10.0 for place in range(width))
    nothing, everything = Sample("a", 1.0, 0.0, 10.0, later), Sample("a", 1.0, 10.0, 10.0, steps)
    assert gap_of([nothing, everything]) == pytest.approx(0.2)
    slope = tuple(min(max(place - 50.0, 0.0), 40.0) for place in range(width))
    assert gap_of([Sample("a", 1.0, 10.0, 40.0, slope)]) == pytest.approx(0.02)
    assert gap_of([]) == 0
    group = Group(("a",), {})
    assert group.unknown("a", [(nothing,), (everything,)]) == pytest.approx(0.2 / math.sqrt(12))


def test_trials_that_lose_all_or_nothing_are_expected_to_scatter_most() -> None:
    """In 500 sets of eight trials, each of which may lose all that counts."""
    losses = tuple(10 / (1 + math.exp(-10 * stretch)) for stretch in STRETCHES)
    rng = Random(3)
    stretches, errors = [], []
    for _ in range(500):
        trials = [Sample("a", 1.0, 10.0 * (rng.random() < 0.4), 10.0, losses) for _ in range(8)]
        if 0 < sum(sample.lost for sample in trials) < 80:
            stretches.append(stretch_of(trials))
            errors.append(error_of(trials))
    assert fmean(errors) == pytest.approx(stdev(stretches), rel=0.15)
    assert error_of([Sample("a", 1.0, 3.0, 10.0, (3.0,) * len(STRETCHES))]) == math.inf
    assert error_of([]) == math.inf
