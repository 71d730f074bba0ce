"""Answers report where their time went, and the parts add up to the whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.load.answer import READ_EVERY, Answer, Stages, read_stamps, stages_of, worth_reading
from loadtests.slo import Slo
from loadtests.trial.stages import mean, where

SLO = Slo.parse("p99<250ms")
MS = {"queued": 1.0, "started": 0.5, "ran": 12.0, "cpu": 10.0, "resumed": 0.25, "total": 14.0}


def body(**changes: float | None) -> bytes:
    worker = {"pid": 7, "thread": "MainThread"}
    return json.dumps({"result": 1, "worker": worker, "ms": MS | changes}).encode()


def test_reads_an_answer_of_the_contract() -> None:
    times = read_stamps(body())
    assert times
    assert (times.ran, times.cpu, times.total) == pytest.approx((0.012, 0.010, 0.014))
    assert (times.pid, times.thread) == (7, "MainThread")
    unknown = read_stamps(body(cpu=None))
    assert unknown
    assert unknown.cpu is None


@pytest.mark.parametrize(
    "other", [b"", b"{}", b"[]", b'{"ms": 3}', b"not JSON", b'{"status": "ok"}']
)
def test_other_bodies_have_no_stages(other: bytes) -> None:
    assert read_stamps(other) is None


@given(
    st.floats(0, 1),
    st.floats(0, 2),
    st.fixed_dictionaries({name: st.floats(0, 400) for name in MS}),
)
def test_the_parts_add_up_to_the_response(
    lag_s: float, more_s: float, ms: dict[str, float]
) -> None:
    times = read_stamps(body(**ms))
    assert times
    service_s = times.queued + times.started + times.ran + times.resumed + more_s
    parts = stages_of(times, lag_s, service_s)
    assert parts.total == pytest.approx(lag_s + service_s)
    assert parts.outside == pytest.approx(more_s, abs=1e-9)
    assert min(parts) >= 0


def test_all_late_answers_are_read_and_a_part_of_the_others() -> None:
    wanted = worth_reading(SLO)
    assert sum(wanted(0.01) for _ in range(100)) == 100 // READ_EVERY
    assert all(wanted(0.3) for _ in range(10))


def test_typical_and_late_answers_are_separated() -> None:
    slow, quick = Stages(off_cpu=0.4), Stages(on_cpu=0.01)
    answers = [
        Answer(-0.5, -0.5, -0.4, "ok", 200, quick),  # while it settled
        *(Answer(at / 10, at / 10, at / 10 + 0.01, "ok", 200, quick) for at in range(10)),
        *(Answer(0.5, 0.5, 0.9, "ok", 200, slow) for _ in range(READ_EVERY)),
        Answer(0.6, 0.6, 0.7, "failed", 500, None, "HTTP 500: the work raised MemoryError"),
        Answer(0.7, 0.7, None, "unfinished"),
    ]
    went = where(answers, SLO, -1.0, 1.0)
    assert went.late == slow
    assert went.typical == mean([quick] * 11 + [slow])
    assert went.errors == {"HTTP 500: the work raised MemoryError": 1}
    assert went.completed == (1 + 10 + READ_EVERY) / 2.0
    assert went.ran_p50_s == 0.01
    assert went.ran_too_long == pytest.approx(1 / 12)


def test_a_load_without_answers_went_nowhere() -> None:
    assert where([], SLO, 0.0, 1.0) == (None, None, {}, 0.0, None, None)
