"""Answers tell where their time went, and the parts add up to the whole."""

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
    said = read_stamps(body())
    assert said
    assert (said.ran, said.cpu, said.total) == pytest.approx((0.012, 0.010, 0.014))
    assert (said.pid, said.thread) == (7, "MainThread")
    unknown = read_stamps(body(cpu=None))
    assert unknown
    assert unknown.cpu is None


@pytest.mark.parametrize(
    "other", [b"", b"{}", b"[]", b'{"ms": 3}', b"not JSON", b'{"status": "ok"}']
)
def test_other_bodies_tell_nothing(other: bytes) -> None:
    assert read_stamps(other) is None


@given(
    st.floats(0, 1),
    st.floats(0, 2),
    st.fixed_dictionaries({name: st.floats(0, 400) for name in MS}),
)
def test_the_parts_add_up_to_the_response(
    lag_s: float, more_s: float, ms: dict[str, float]
) -> None:
    said = read_stamps(body(**ms))
    assert said
    service_s = said.queued + said.started + said.ran + said.resumed + more_s
    found = stages_of(said, lag_s, service_s)
    assert found.total == pytest.approx(lag_s + service_s)
    assert found.outside == pytest.approx(more_s, abs=1e-9)
    assert min(found) >= 0


def test_all_late_answers_are_read_and_a_part_of_the_others() -> None:
    wanted = worth_reading(SLO)
    assert sum(wanted(0.01) for _ in range(100)) == 100 // READ_EVERY
    assert all(wanted(0.3) for _ in range(10))


def test_typical_and_late_are_told_apart() -> None:
    slow, quick = Stages(off_cpu=0.4), Stages(on_cpu=0.01)
    answers = [
        Answer(-0.5, -0.5, -0.4, "ok", 200, quick),  # while it settled
        *(Answer(at / 10, at / 10, at / 10 + 0.01, "ok", 200, quick) for at in range(10)),
        *(Answer(0.5, 0.5, 0.9, "ok", 200, slow) for _ in range(READ_EVERY)),
        Answer(0.6, 0.6, 0.7, "failed", 500, None, "HTTP 500: the work raised MemoryError"),
        Answer(0.7, 0.7, None, "unfinished"),
    ]
    found = where(answers, SLO, -1.0, 1.0)
    assert found.late == slow
    assert found.typical == mean([quick] * 11 + [slow])
    assert found.errors == {"HTTP 500: the work raised MemoryError": 1}
    assert found.completed == (1 + 10 + READ_EVERY) / 2.0


def test_a_load_without_answers_went_nowhere() -> None:
    assert where([], SLO, 0.0, 1.0) == (None, None, {}, 0.0)
