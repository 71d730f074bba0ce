"""A trial is counted from its intended starts, and judged by no more than it proves."""

import json
from dataclasses import asdict, replace
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.load.answer import Answer, Outcome
from loadtests.load.arrivals import uniform
from loadtests.slo import Slo
from loadtests.trial.tally import tally
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import flaws, judge

SLO = Slo.parse("p99<250ms")
RATE, DURATION_S = 200.0, 5.0
TIMES = uniform(RATE, DURATION_S, Random(1))


def stream(
    lost: int = 0, outcome: Outcome = "ok", took_s: float = 0.01, lag_s: float = 0.0
) -> list[Answer]:
    """Answer a schedule after 10 ms each, except the `lost` requests, spread evenly over it."""
    bad = set(range(0, len(TIMES), len(TIMES) // lost)) if lost else set()
    answers = []
    for position, time in enumerate(TIMES):
        kind: Outcome = outcome if position in bad else "ok"
        took = took_s if position in bad else 0.01
        sent = None if kind == "unsent" else time + lag_s
        ended = None if kind in {"unsent", "unfinished"} else time + lag_s + took
        answers.append(Answer(time, sent, ended, kind))
    return answers


def trial(answers: list[Answer] | None = None, bystander: list[Answer] | None = None) -> Trial:
    answers = stream() if answers is None else answers
    return Trial(
        workload="primes",
        model="process-pool",
        rate=RATE,
        duration_s=DURATION_S,
        work=tally(answers, SLO, DURATION_S),
        bystander=tally(stream() if bystander is None else bystander, SLO, DURATION_S),
        drained=True,
        generator_cpu=0.3,
    )


def test_counts_and_times() -> None:
    counted = tally(stream(lost=20, took_s=0.5, lag_s=0.001), SLO, DURATION_S)
    assert (counted.scheduled, counted.ok, counted.late) == (1000, 980, 20)
    assert counted.loss_ratio == 0.02
    assert counted.goodput == 196
    assert counted.p50_ms == pytest.approx(11)  # 10 ms of service after 1 ms of send lag
    assert counted.p99_ms == pytest.approx(501)
    assert counted.service_p50_ms == pytest.approx(10)
    assert counted.lag_p99_ms == pytest.approx(1)
    assert counted.spectrum_ms == (11, 11, 11, 11, 501, 501, 501)


def test_requests_of_the_settling_do_not_count() -> None:
    settled = [Answer(-0.5, -0.5, 3.0, "ok"), *stream()]
    assert tally(settled, SLO, DURATION_S) == tally(stream(), SLO, DURATION_S)


def test_leaves_out_what_an_early_end_left_undecided() -> None:
    answers = [
        Answer(0.1, 0.1, None, "unfinished"),  # waited 400 ms: late in any case
        Answer(0.4, 0.4, None, "unfinished"),  # waited 100 ms: might have been in time
        Answer(0.2, 0.2, 0.3, "ok"),
    ]
    counted = tally(answers, SLO, 0.5, short=True)
    assert (counted.scheduled, counted.ok, counted.late, counted.unfinished) == (2, 1, 1, 0)


@given(
    st.lists(
        st.builds(
            Answer,
            st.floats(0, 4.9),
            st.floats(0, 5),
            st.floats(0, 9),
            st.sampled_from(get_args(Outcome)),
        )
    )
)
def test_every_request_is_counted_once(answers: list[Answer]) -> None:
    counted = tally(answers, SLO, DURATION_S)
    parts = (counted.ok, counted.late, counted.refused, counted.expired, counted.failed)
    rest = (counted.wrong, counted.unfinished, counted.unsent)
    assert sum(parts) + sum(rest) == counted.scheduled == len(answers)
    if answers:  # "p99 ≤ T" and "loss ratio ≤ 1 %" are one statement
        within = counted.p99_ms is not None and counted.p99_ms <= 1000 * SLO.bound_s
        assert within == SLO.allows(counted.lost, counted.scheduled)


def test_a_trial_without_losses_passes() -> None:
    verdict = judge(trial(), SLO)
    assert (verdict.valid, verdict.held, verdict.reasons) == (True, True, ())
    assert verdict.broke_by is None


@pytest.mark.parametrize("outcome", ["refused", "expired", "failed", "wrong", "unfinished"])
def test_a_request_without_its_answer_is_infinitely_slow_and_names_the_loss(
    outcome: Outcome,
) -> None:
    lossy = trial(stream(lost=20, outcome=outcome))
    assert getattr(lossy.work, outcome) == 20
    assert lossy.work.p95_ms == pytest.approx(10)
    assert lossy.work.p99_ms is None
    assert lossy.work.spectrum_ms == (10, 10, 10, 10, None, None, None)
    verdict = judge(lossy, SLO)
    assert (verdict.valid, verdict.held, verdict.broke_by) == (True, False, outcome)
    assert verdict.loss_ratio == 0.02
    assert f"20 {outcome}" in verdict.reasons[0]


def test_fails_by_lateness_and_passes_at_exactly_one_percent() -> None:
    assert judge(trial(stream(lost=20, took_s=0.3)), SLO).broke_by == "late"
    assert judge(trial(stream(lost=10, took_s=0.3)), SLO).held


def test_without_a_bystander_the_work_decides() -> None:
    assert judge(trial(stream(lost=10, took_s=0.251), []), SLO).held
    verdict = judge(trial(stream(lost=11, took_s=0.251), []), SLO)
    assert (verdict.valid, verdict.held, verdict.broke_by) == (True, False, "late")


def test_fails_by_a_starved_bystander() -> None:
    verdict = judge(trial(bystander=stream(lost=20, took_s=0.3)), SLO)
    assert (verdict.held, verdict.broke_by, verdict.loss_ratio) == (False, "bystander", 0)
    assert "The bystander was starved: 20 of 1000" in verdict.reasons[0]


@pytest.mark.parametrize("victim", ["work", "bystander"])
def test_is_void_if_the_schedule_was_not_sent(victim: str) -> None:
    unsent = stream(lost=2, outcome="unsent")
    verdict = judge(trial(unsent) if victim == "work" else trial(bystander=unsent), SLO)
    assert (verdict.valid, verdict.held, verdict.broke_by) == (False, False, None)
    assert f"998 of 1000 scheduled {victim} requests" in verdict.reasons[0]
    assert judge(trial(stream(lost=1, outcome="unsent")), SLO).valid


def test_is_void_if_the_generator_was_late_or_busy_or_the_machine_disturbed() -> None:
    assert judge(trial(stream(lag_s=0.004)), SLO).valid  # 2 % of the bound is 5 ms
    late = judge(trial(stream(lag_s=0.006)), SLO)
    busy = judge(replace(trial(), generator_cpu=0.85), SLO)
    disturbed = judge(replace(trial(), disturbances=("Steal time was 7 %.",)), SLO)
    assert "6.0 ms" in late.reasons[0]
    assert "85%" in busy.reasons[0]
    assert disturbed.reasons == ("Steal time was 7 %.",)
    assert {late.valid, busy.valid, disturbed.valid} == {False}


def test_the_generator_of_a_surge_may_be_later() -> None:
    late = [tally(stream(lag_s=lag_s), SLO, DURATION_S) for lag_s in (0.02, 0.03)]
    strict = [list(flaws(work, None, 0.2, SLO)) for work in late]
    assert all("more than 5 ms behind schedule" in flaw for [flaw] in strict)
    fine, too_late = (list(flaws(work, None, 0.2, SLO, loose=True)) for work in late)
    assert fine == []
    assert "30.0 ms behind schedule at p99; at most 25 ms" in too_late[0]


@pytest.mark.parametrize(("lost", "passes"), [(10, True), (20, False)])
@pytest.mark.parametrize("how", [{}, {"short": True}, {"drained": False}])
def test_losses_alone_decide(lost: int, passes: bool, how: dict[str, Any]) -> None:
    verdict = judge(replace(trial(stream(lost=lost, took_s=0.3)), **how), SLO)
    assert (verdict.valid, verdict.held, len(verdict.reasons)) == (True, passes, not passes)


@given(st.integers(1, 5000), st.data())
def test_counts_and_ratios_agree_on_what_the_objective_allows(
    scheduled: int, data: st.DataObject
) -> None:
    lost = data.draw(st.integers(0, scheduled))
    best = replace(trial().work, scheduled=scheduled, ok=scheduled - lost, late=lost)
    assert (not SLO.allows(lost, scheduled)) == (best.loss_ratio > 0.01 + 1e-12)


def test_a_trial_is_the_same_after_json() -> None:
    before = replace(trial(stream(lost=20, outcome="failed")), disturbances=("Steal.",))
    after = json.loads(json.dumps(before.to_json(), allow_nan=False))
    assert after == json.loads(json.dumps(asdict(before)))
    assert (after["disturbances"], after["where"]) == (
        ["Steal."],
        [None, None, {}, 0.0, None, None],
    )
