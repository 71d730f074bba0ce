"""Demands are compared between neighbours in time, so that the machine's speed cancels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from statistics import median

import pytest

from loadtests.capacity.pairs import fit, speeds
from loadtests.capacity.stretch import Round, Sample

DEMANDS = {"a": 0.010, "b": 0.013, "c": 0.020}


def rounds(*factors: float, noise: float = 0.0) -> Sequence[Round]:
    """Give each row one trial in each round; the machine has these speeds, one for each trial."""
    rng = Random(2)
    played = []
    for start in range(0, len(factors), len(DEMANDS)):
        order = rng.sample(list(DEMANDS), len(DEMANDS))
        played.append(
            [
                Sample(row, DEMANDS[row] * factor * math.exp(rng.gauss(0, noise)), 0, 1, ())
                for row, factor in zip(order, factors[start:], strict=False)
            ]
        )
    return played


def ratio(demands: dict[str, float], row: str, other: str) -> float:
    return math.exp(demands[row] - demands[other])


def test_equal_speeds_give_exact_ratios() -> None:
    demands = fit(rounds(*[1.2] * 12), list(DEMANDS)).demands
    assert ratio(demands, "b", "a") == pytest.approx(1.3)
    assert ratio(demands, "c", "a") == pytest.approx(2)
    assert sum(demands.values()) == pytest.approx(0)


def test_changes_of_speed_between_trials_cancel() -> None:
    speed = [1.0] * 7 + [1.5] * 10 + [1.0] * 4 + [1.5] * 3
    demands = fit(rounds(*speed, noise=0.01), list(DEMANDS)).demands
    assert ratio(demands, "b", "a") == pytest.approx(1.3, rel=0.02)
    assert ratio(demands, "c", "a") == pytest.approx(2, rel=0.02)


def test_the_median_speed_is_the_usual_one() -> None:
    played = rounds(*[1.0] * 4, *[1.5] * 8)
    demands = fit(played, list(DEMANDS)).demands
    usual = median(speeds(played, demands))
    assert math.exp(usual + demands["c"]) == pytest.approx(0.020 * 1.5, rel=1e-3)
    assert max(speeds(played, demands)) - min(speeds(played, demands)) == pytest.approx(
        math.log(1.5), rel=1e-3
    )


def test_rows_without_a_demand_are_left_out() -> None:
    unknown = (Sample("a", None, 1, 1, ()), Sample("b", 0.01, 0, 1, ()))
    assert fit([unknown], ["a", "b", "c"]).demands == {"b": 0.0}
    assert fit([], ["a"]).demands == {}


def test_trials_of_other_rows_only_say_how_near_in_time_two_trials_are() -> None:
    demands = fit(rounds(*[1.2] * 12), ["a", "b"]).demands
    assert demands.keys() == {"a", "b"}
    assert ratio(demands, "b", "a") == pytest.approx(1.3)


def test_a_fit_from_a_near_one_has_the_same_result() -> None:
    played = rounds(*[1.0] * 13, *[1.5] * 14, noise=0.02)
    whole = fit(played, list(DEMANDS))
    for place in range(len(played)):
        rest = [*played[:place], *played[place + 1 :]]
        alone, near = (fit(rest, list(DEMANDS), start) for start in (None, whole))
        assert near.demands == pytest.approx(alone.demands, abs=2e-5)
        assert near.scale == pytest.approx(alone.scale, rel=1e-2)
