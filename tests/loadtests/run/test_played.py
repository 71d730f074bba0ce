"""What rounds have shown is read from a run file as it was, and the rounds go on from there."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from loadtests.capacity.demands import Cost
from loadtests.capacity.estimate import Contender
from loadtests.capacity.queueing import Queue
from loadtests.capacity.stretch import STRETCHES, Sample, curve
from loadtests.load.schedule import TrialLength
from loadtests.run.survival.played import Played, queue_line, restored, stored

COUNT = len(STRETCHES)
QUEUE = Queue(2, 0.25, (0.9, 1.0, 1.3))
COST = Cost(0.004, 0.9)
ARRIVALS = TrialLength(0.5, 2.0).draw(150.0, Random(1))
CURVES = {
    "nothing is ever lost": (0.0,) * COUNT,
    "all is always lost": (15.0,) * COUNT,
    "a step at the beginning": (0.0, *(15.0,) * (COUNT - 1)),
    "a step at the end": (*(0.0,) * (COUNT - 1), 15.0),
    "a rise over all": tuple(float(place) for place in range(COUNT)),
    "a rise at the beginning": (0.0, 1.0, 2.0, *(15.0,) * (COUNT - 3)),
    "a rise at the end": (*(0.0,) * (COUNT - 3), 1.0, 2.0, 15.0),
    "never without loss": (*(3.0,) * 70, 4.0, *(15.0,) * (COUNT - 71)),
    "a step in the middle": (*(0.0,) * 70, *(15.0,) * (COUNT - 70)),
    "flat on its way": (*(0.0,) * 40, *(4.0,) * 40, *(15.0,) * (COUNT - 80)),
    "simulated": curve(QUEUE, ARRIVALS, 0.012, 15.0, "any"),
}


def in_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def sample(row: str, lost: float, name: str = "simulated") -> Sample:
    return Sample(row, 0.012, lost, 15.0, CURVES[name], 0.004)


@pytest.mark.parametrize("name", CURVES)
def test_a_sample_is_restored_whatever_its_curve(name: str) -> None:
    before = sample("inline", 4.25, name)
    line = in_json(stored(before))
    after = restored("inline", line)
    assert after.curve == pytest.approx(before.curve)
    assert replace(after, curve=before.curve) == before
    ends = line["curve"][:1] + line["curve"][-1:]
    assert ends == [pytest.approx(before.curve[0]), pytest.approx(before.curve[-1])]
    inner = pairwise(line["curve"])
    assert len(line["curve"]) <= 2 or next(inner)[0] != line["curve"][1], "no end is repeated"


def test_a_sample_without_a_demand_is_restored() -> None:
    before = Sample("inline", None, 15.0, 15.0, CURVES["all is always lost"])
    line = in_json(stored(before))
    assert line["curve"] == [15.0]
    assert restored("inline", line) == before


@pytest.mark.parametrize("cost", [COST, None])
def test_a_queue_is_restored(cost: Cost | None) -> None:
    played = Played()
    contender = Contender("inline · 3.14", QUEUE, "loop", cost)
    played.update(prediction("inline", contender, python="3.14"))
    assert [*played.before.contenders] == [contender]


def prediction(model: str, contender: Contender, **names: str) -> dict[str, Any]:
    cell = {"workload": "primes", "model": model, **names}
    return {"line": "prediction", **cell, "queue": in_json(queue_line(contender))}


def trial(model: str, number: int, lost: float | None, **changes: Any) -> dict[str, Any]:
    """Make the line of a trial; without losses it was void."""
    told = None if lost is None else in_json(stored(sample(model, lost)))
    cell = {"workload": "primes", "model": model}
    return {"line": "trial", **cell, "round": number, "again": False, "sample": told, **changes}


def cell(model: str, state: str, *interval: float | None) -> dict[str, Any]:
    names = {"workload": "primes", "model": model, "state": state}
    return {"line": "cell", **names, "interval": interval or None}


def test_the_rounds_so_far_are_those_of_valid_trials_in_their_order() -> None:
    played = Played()
    assert (played.last, played.before.rounds) == (0, [])
    for line in (
        *(trial("inline", 1, 2.0), trial("hybrid", 1, 0.0)),
        *(trial("hybrid", 2, 4.0, again=True), trial("hybrid", 2, 3.0), trial("inline", 2, None)),
        trial("inline", 3, None),
    ):
        played.update(line)
    first, second = played.before.rounds
    assert [(known.row, known.lost) for known in first] == [("inline", 2.0), ("hybrid", 0.0)]
    assert [(known.row, known.lost) for known in second] == [("hybrid", 3.0)]
    assert played.last == 3, "also a round without a valid trial has had its number"
    assert [line["round"] for line in played.trials("inline")] == [1, 2, 3]
    assert [line["round"] for line in played.trials("hybrid")] == [1, 2], "not those of its twin"
    assert played.trials("async") == []


def test_the_last_line_of_a_cell_says_whether_it_has_a_limit_or_sustains_nothing() -> None:
    played = Played()
    for line in (
        cell("async", "at generator limit", 900.0, 900.0, None),
        cell("inline", "measured", 0.0, 0.0, 1.0),
        cell("hybrid", "measured", 90.0, 85.0, 95.0),
        cell("thread-pool", "unfinished"),
    ):
        played.update(line)
    assert (played.before.limits, played.before.idle) == ({"async": 900.0}, ["inline"])
    played.update(cell("async", "measured", 700.0, 650.0, 750.0))
    played.update(cell("inline", "measured", 2.0, 1.0, 3.0))
    assert (played.before.limits, played.before.idle) == ({}, [])
