"""A load is the same whether one process offers it or several, and so is what is made of it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.load.answer import Answer, Outcome
from loadtests.load.result import LoadResult, measured, merge, never_offered
from loadtests.load.spec import LoadSpec, share
from loadtests.slo import Slo
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import judge
from tests.support.short_load import BYSTANDER_RATE, DURATION_S, RATE, SETTLE_S, order

SLO = Slo.parse("p90<100ms")
CELL = ("sleep", "async")
OUTCOMES: list[Outcome] = ["ok", "ok", "ok", "refused", "failed", "wrong", "unfinished", "unsent"]


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    intended = draw(st.floats(-1, 5, exclude_max=True))
    outcome = draw(st.sampled_from(OUTCOMES))
    if outcome == "unsent":
        return Answer(intended, None, None, outcome)
    sent = intended + draw(st.floats(0, 0.02))
    ended = None if outcome == "unfinished" else sent + draw(st.floats(0, 0.3))
    return Answer(intended, sent, ended, outcome, 200 if outcome == "ok" else None)


def whole(streams: Sequence[Sequence[Answer]], *, early: bool) -> LoadResult:
    return LoadResult(
        tuple(map(tuple, streams)),
        generator_cpu=0.5,
        reached_s=3.0 if early else 5.0,
        early=early,
        drained=True,
        zero=9.0,
        completed=sum(answer.outcome == "ok" for answer in streams[0]),
    )


@given(
    streams=st.lists(st.lists(answers(), max_size=60), min_size=2, max_size=2),
    splits=st.lists(st.integers(0, 3), min_size=120, max_size=120),
    early=st.booleans(),
)
def test_answers_of_several_processes_are_counted_as_those_of_one(
    streams: list[list[Answer]], splits: list[int], early: bool
) -> None:
    single = whole(streams, early=early)
    parts = [
        whole(
            [
                [answer for answer, to in zip(stream, splits, strict=False) if to == process]
                for stream in streams
            ],
            early=early,
        )
        for process in range(4)
    ]
    spec = replace(order("http://service", "/any"), slo=SLO)
    counted, again = (
        Trial.of(CELL, spec, result) for result in (single, merge(parts, single.zero))
    )
    assert counted == again
    assert judge(counted, SLO) == judge(again, SLO)


def test_the_worst_process_counts_and_what_all_have_reached() -> None:
    parts = (
        LoadResult(((), ()), 0.9, 2.0, early=True, drained=True, cpu_s=1.5, completed=3),
        LoadResult(((), ()), 0.1, 2.1, early=False, drained=False, cpu_s=0.25, completed=4),
    )
    merged = merge(parts, 3.0)
    assert (merged.generator_cpu, merged.reached_s, merged.zero) == (0.9, 2.0, 3.0)
    assert (merged.early, merged.drained) == (True, False)
    assert (merged.cpu_s, merged.completed) == (1.75, 7)


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_all_shares_together_are_the_schedule(processes: int) -> None:
    drawn = order("http://service", "/any").draw()
    shares = [share(drawn, index, processes) for index in range(processes)]
    for number, stream in enumerate(drawn):
        for part in ("settling", "measured"):
            starts = [getattr(process_share[number], part) for process_share in shares]
            assert sorted(start for some in starts for start in some) == getattr(stream, part)
            assert max(map(len, starts)) - min(map(len, starts)) <= 1
    assert [len(stream.measured) for stream in drawn] == [
        RATE * DURATION_S,
        BYSTANDER_RATE * DURATION_S,
    ]
    assert [len(stream.settling) for stream in drawn] == [RATE * SETTLE_S, 12]


def test_the_share_of_a_process_that_is_gone_makes_a_trial_void() -> None:
    spec = order("http://service", "/any")
    drawn = spec.draw()
    sent, lost = (share(drawn, index, 2) for index in range(2))
    fine = tuple(tuple(Answer(at, at, at, "ok", 200) for at in stream.measured) for stream in sent)
    merged = merge(
        (LoadResult(fine, 0.1, 1.0, early=False, drained=True), never_offered(lost, 1.0)), 0
    )
    trial = Trial.of(CELL, spec, merged)
    assert (trial.work.scheduled, trial.work.ok, trial.work.unsent) == (90, 45, 45)
    verdict = judge(trial, spec.slo)
    assert not verdict.valid
    assert verdict.reasons[0].startswith("Only 45 of 90 scheduled work requests were sent")


@pytest.mark.parametrize("patience_s", [None, 1.5])
def test_an_order_survives_its_way_to_a_worker(patience_s: float | None) -> None:
    spec = order("http://service", "/any")
    spec = replace(spec, seed=1 << 62, settle_s=0.5, patience_s=patience_s, enough=0.05)
    received = json.loads(json.dumps(spec.dump()))  # as lists, which tuples become
    assert LoadSpec.load(received) == spec
    assert LoadSpec.load(received).draw() == spec.draw()


@pytest.mark.parametrize(
    ("planned", "losses", "ends"),
    [
        ([100, 100], [], False),
        ([100, 100], [9, 9], False),
        ([100, 100], [0, 10], True),
        ([5, 100], [0, 0], False),
        ([5, 100], [1, 0], True),  # a tenth of so few is less than one request
        ([0, 100], [0, 0], False),
    ],
)
def test_a_trial_ends_once_enough_of_a_stream_is_lost(
    planned: list[int], losses: list[int], ends: bool
) -> None:
    assert order("http://service", "/any").lost(planned, losses) is ends


def test_only_a_trial_is_ended_early() -> None:
    trial = order("http://service", "/any")
    passage = replace(trial, patience_s=1.0)
    assert not passage.lost([100, 100], [99, 99])
    assert (passage.empty_s, trial.empty_s > 0, trial.drain_s) == (0, True, 5.0)


def test_settling_is_left_out_of_a_passage() -> None:
    some = [Answer(at, at, at, "ok") for at in (-0.1, 0.0, 0.1)]
    assert Counter(answer.intended_s for answer in measured(some)) == {0.0: 1, 0.1: 1}
