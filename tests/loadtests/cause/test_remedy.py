"""A remedy changes the blamed resource alone, and predicts how far capacity should move."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.demands import Demands, Limit, Supply, limits
from loadtests.capacity.queueing import Queue
from loadtests.cause.remedy import (
    Control,
    DiagnosedCell,
    Remedy,
    Unproven,
    fewer_threads,
    less_contention,
    recorded,
)
from loadtests.cause.rules import RULES, Cause, diagnose, remedy
from loadtests.service.options import OPTION_FLAGS
from loadtests.trial.evidence import Evidence
from server.settings import Settings
from server.tables import MODELS
from tests.support import evidence_examples
from tests.support.any_evidence import evidences
from tests.support.evidence_examples import (
    LONE_ASYNC,
    LONE_ECHO,
    LONE_PROCESS,
    LONE_SLEEP,
    LONE_THREAD,
    lone,
)

RUNTIME = {
    "threads": 16,
    "processes": 2,
    "workers": 1,
    "loops": 1,
    "queue": 256,
    "admission": "deadline",
    "switch_interval_s": 0.005,
    "cores": 2,
    "gil": True,
}
PROCESS_MODELS = ["process-pool", "hybrid"]
OPTIONS: Mapping[str, Mapping[str, object]] = {
    "threads": {"maximum": 1000, "choices": None, "models": ["thread-pool", "hybrid"]},
    "processes": {"maximum": 256, "choices": None, "models": PROCESS_MODELS},
    "workers": {"maximum": 256, "choices": None, "models": None},
    "loops": {"maximum": 256, "choices": None, "models": None},
    "queue": {"maximum": None, "choices": None, "models": None},
    "switch_interval": {"maximum": 1, "choices": None, "models": None},
    "admission": {"maximum": None, "choices": ["bounded", "deadline"], "models": None},
}
SIZED_BY = {"thread-pool": "threads", "process-pool": "processes"}
LONE_INLINE = lone(19.5, on_loop=True, outside=0.2, on_cpu=0.03, off_cpu=50.1)


MORE_CORES = "only more cores, or less computing per request, help"
POOL_CELL = DiagnosedCell(
    evidence_examples.POOL, [Limit("slots", 1600.0)], RUNTIME, "thread-pool", {}, OPTIONS,
    "threads", "sleep", 1520.0,
)  # fmt: skip


def case(
    evidence: Evidence, alone: Evidence | None, model: str, **settings: object
) -> tuple[Remedy | Unproven, Cause]:
    demands = Demands.of(alone, evidence)
    known = limits(demands, Supply.of(evidence))
    cause = diagnose(evidence, demands)
    runtime, parameters = {**RUNTIME, **settings}, {"kib": "8192"} if alone is LONE_ECHO else {}
    cell = DiagnosedCell(evidence, known, runtime, model, parameters, OPTIONS, SIZED_BY.get(model))
    return remedy(cause.name, cell), cause


CASES: Mapping[str, tuple[tuple[Evidence, Evidence | None, str], str, dict[str, str], float]] = {
    "a second GIL": (
        (evidence_examples.GIL, LONE_THREAD, "thread-pool"),
        "2 server processes instead of 1, with pools of 8 threads",
        {"workers": "2", "threads": "8"},
        1.7,  # up to the cores, which the generator shares
    ),
    "a shorter switch interval for the bystander": (
        (evidence_examples.CONVOY, LONE_THREAD, "thread-pool"),
        "a switch interval of 0.5 ms instead of 5 ms",
        {"switch_interval": "0.5ms"},
        1.5,
    ),
    "more processes that wait": (
        (evidence_examples.POOL, LONE_SLEEP, "process-pool"),
        "4 processes instead of 2",
        {"processes": "4"},
        2,
    ),
    "more threads": (
        (evidence_examples.POOL, LONE_SLEEP, "thread-pool"),
        "32 threads instead of 16",
        {"threads": "32"},
        2,
    ),
    "more threads for what waits": (
        (evidence_examples.POOL, LONE_SLEEP, "hybrid"),
        "32 threads instead of 16",
        {"threads": "32"},
        2,
    ),
    "a second loop to block": (
        (evidence_examples.INLINE_SLEEP, LONE_INLINE, "inline"),
        "2 server processes instead of 1",
        {"workers": "2"},
        2,
    ),
    "a second loop that is busy": (
        (replace(evidence_examples.ASYNC, generator_cores=0.2), LONE_ASYNC, "async"),
        "2 server processes instead of 1",
        {"workers": "2"},
        1.7,
    ),
    "a longer queue": (
        (evidence_examples.TINY_QUEUE, LONE_PROCESS, "process-pool"),
        "a queue of 1024 requests instead of 256, limited by its length alone",
        {"admission": "bounded", "queue": "1024"},
        2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_remedy_changes_the_blamed_resource(name: str) -> None:
    (evidence, alone, model), change, axes, ratio = CASES[name]
    chosen, _ = case(evidence, alone, model)
    assert isinstance(chosen, Remedy)
    assert (chosen.change, chosen.axes, chosen.parameters, chosen.cores) == (change, axes, {}, None)
    assert axes.keys() <= {axis.name for axis in OPTION_FLAGS}
    assert Settings.model_validate(axes)
    low, high = chosen.predicted
    assert 1 < low < ratio < high


def test_half_of_the_cores_sustain_half() -> None:
    chosen, cause = case(evidence_examples.CORES, LONE_PROCESS, "process-pool")
    assert isinstance(chosen, Remedy)
    assert cause.name == "cores"
    assert (chosen.change, chosen.axes, chosen.cores) == ("1 of 2 cores for the server", {}, 1)
    assert chosen.predicted == pytest.approx((0.4, 0.707), abs=0.001)
    single, _ = case(
        replace(evidence_examples.CORES, cores=1, server_cores=0.9, gil=0.1),
        LONE_PROCESS,
        "process-pool",
    )
    assert isinstance(single, Unproven)
    assert single.reason == "there is only one core, so none can be taken away"
    assert single.advice == chosen.advice == MORE_CORES
    assert chosen.control == Control("4 processes instead of 2", {"processes": "4"})


def test_half_of_the_payload_is_a_parameter_of_the_workload() -> None:
    chosen, _ = case(evidence_examples.ECHO, LONE_ECHO, "process-pool")
    assert isinstance(chosen, Remedy)
    assert (chosen.axes, chosen.parameters) == ({}, {"kib": "4096"})
    assert chosen.change == "half the payload (4096 instead of 8192 KiB)"
    without = remedy("payload", DiagnosedCell(evidence_examples.ECHO, (), RUNTIME, "process-pool"))
    assert without == Unproven("the workload has no parameter `kib` that halves its payload")


def test_no_change_is_tried_where_the_next_limit_or_a_bound_is_near() -> None:
    near = replace(evidence_examples.GIL, cores=2, generator_cores=0.8, server_cores=1.05)
    assert case(near, LONE_THREAD, "thread-pool")[0] == Unproven(
        "the next limit is too near for a change to show: cores at 101/s",
        control=Control("32 threads instead of 16", {"threads": "32"}),
    )
    full, _ = case(evidence_examples.POOL, LONE_SLEEP, "thread-pool", threads=600)
    assert full == Unproven("the service allows at most 1000 threads")
    loops, _ = case(evidence_examples.GIL, LONE_THREAD, "thread-pool", loops=2)
    assert isinstance(loops, Unproven)
    loop, _ = case(evidence_examples.INLINE_SLEEP, LONE_INLINE, "inline", loops=2)
    assert isinstance(loop, Remedy)
    assert loop.axes == {"loops": "4"}


def test_a_model_without_a_known_option_has_no_remedy() -> None:
    chosen, _ = case(evidence_examples.POOL, LONE_SLEEP, "actors")
    assert chosen == Unproven("no option is known that sizes the 2 slots of actors")


def test_a_service_without_published_options_cannot_be_changed() -> None:
    silent = DiagnosedCell(evidence_examples.POOL, (), RUNTIME, "pool", sized_by="threads")
    assert remedy("pool", silent) == Unproven("the service does not publish an option `threads`")
    assert isinstance(remedy("loop busy", silent), Unproven)
    assert isinstance(remedy("queue full", silent), Unproven)
    policies = {**OPTIONS, "admission": {"choices": ["lifo"]}}
    other = replace(silent, options=policies)
    assert remedy("queue full", other) == Unproven("the service has no admission 'bounded'")


@pytest.mark.parametrize(
    "name", ["memory", "crashes", "generator", "neighbour", "failures", "too slow", "unknown", "?"]
)
def test_a_cause_that_no_resource_proves_has_a_reason(name: str) -> None:
    cell = DiagnosedCell(evidence_examples.POOL, (), RUNTIME, "process-pool", {}, OPTIONS)
    assert isinstance(remedy(name, cell), Unproven)


@pytest.mark.parametrize("slots", [2, 8, 16])
@pytest.mark.parametrize("bound", [2, 3, 5, 10])  # times the service time
def test_a_larger_pool_is_predicted_as_queueing_theory_does(slots: int, bound: int) -> None:
    before, after = (
        Queue(servers, bound * 0.05).between(0.05, 0.01)[0] for servers in (slots, 2 * slots)
    )
    cell = replace(POOL_CELL, limits=[Limit("slots", slots / 0.05)], capacity=before)
    chosen = remedy("pool", replace(cell, settings={**RUNTIME, "threads": slots}))
    assert isinstance(chosen, Remedy)
    low, high = chosen.predicted
    assert low <= after / before <= high <= 1.4 * low
    assert chosen.because == f"{slots} threads ÷ 50.0 ms end at {20 * slots}/s"


def test_the_next_limit_caps_what_is_predicted() -> None:
    known = [Limit("slots", 100.0), Limit("cores", 150.0)]
    chosen = remedy("pool", replace(POOL_CELL, limits=known, capacity=80.0))
    assert isinstance(chosen, Remedy)
    low, high = chosen.predicted
    assert low == pytest.approx(0.85 * 1.5)
    assert 1.15 * 1.5 < high < 1.15 * 1.5 / 0.8  # a queue for the cores cannot use all of them


def test_a_remedy_is_recorded_as_the_option_that_one_would_type() -> None:
    chosen = remedy("pool", POOL_CELL)
    line = recorded(chosen, POOL_CELL)
    assert line["sentence"] == (
        "16 threads ÷ 10.0 ms end at 1600/s; `--threads 32`: 1.7–2.3 × as much (estimate)"
    )
    assert (line["option"], line["change"]) == ("--threads 32", "32 threads instead of 16")
    echo = replace(POOL_CELL, workload="echo", parameters={"kib": 512})
    assert recorded(remedy("payload", echo), echo)["option"] == "--param echo.kib=256"
    halved = remedy("cores", replace(POOL_CELL, limits=[Limit("cores", 1600.0)]))
    assert recorded(halved, POOL_CELL) == {"reason": MORE_CORES, "advice": MORE_CORES}
    blocked = recorded(remedy("too slow", POOL_CELL), POOL_CELL)
    assert "--slo" in blocked["advice"]


@pytest.mark.parametrize("name", ["GIL", "loop busy", "loop blocked", "payload", "cores"])
@pytest.mark.parametrize("model", ["thread-pool", "process-pool", "inline"])
def test_a_control_changes_a_resource_that_is_not_to_blame(name: str, model: str) -> None:
    cell = replace(
        POOL_CELL, model=model, sized_by=SIZED_BY.get(model), parameters={"kib": "64"}, limits=()
    )
    chosen = remedy(name, cell)
    assert chosen.control
    if isinstance(chosen, Remedy):
        assert chosen.control.axes.items() - chosen.axes.items()
        assert Settings.model_validate(chosen.control.axes)


def test_fewer_threads_hand_over_the_gil_less_often() -> None:
    hopping = replace(POOL_CELL, evidence=evidence_examples.CONVOY, capacity=30.0)
    chosen = fewer_threads(hopping)
    assert isinstance(chosen, Remedy)
    assert (chosen.axes, chosen.control) == (
        {"threads": "2"},
        Control("32 threads instead of 16", {"threads": "32"}),
    )
    assert chosen.predicted == pytest.approx((1.1, 1.15 / (0.0098 * 30)))
    for cell in (
        replace(hopping, settings={**RUNTIME, "threads": 2}),
        replace(hopping, capacity=100.0),
        replace(hopping, sized_by="processes"),
        replace(hopping, options={}),
    ):
        other = fewer_threads(cell)
        assert isinstance(other, Unproven)
        assert "process-pool" in other.advice


def test_more_of_the_pool_does_not_help_what_waits_for_itself() -> None:
    waiting = replace(POOL_CELL, numbers={"inside": 4.2})
    assert less_contention(waiting).advice == (
        "more threads will not help: shorten what holds the lock, or enlarge the connection pool "
        "of 4"
    )
    assert less_contention(waiting).control
    bare = replace(POOL_CELL, options={}, sized_by=None)
    assert less_contention(bare).advice.startswith("a larger pool will not help")


DATABASE = replace(
    POOL_CELL,
    workload="postgres",
    parameters={"connections": 5, "ms": 5, "rows": "20"},
    units={"connections": "connections", "ms": "ms", "rows": "rows"},
    numbers={"inside": 4.8},
    capacity=450.0,
    limits=(Limit("cores", 1800.0),),
)


def test_a_parameter_as_large_as_what_the_work_admits_is_its_pool() -> None:
    chosen = less_contention(DATABASE)
    assert isinstance(chosen, Remedy)
    assert (chosen.change, chosen.parameters) == (
        "`connections` = 10 instead of 5",
        {"connections": "10"},
    )
    assert chosen.because == (
        "requests wait for one of 5 connections: 5 connections ÷ 11.1 ms end at 450/s"
    )
    assert chosen.predicted == pytest.approx((1.7, 2.3))
    assert chosen.control, "more threads must not help"
    assert recorded(chosen, DATABASE)["option"] == "--param postgres.connections=10"


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": {"inside": 8.0}},
        {"parameters": {"ms": 5, "rows": "20"}},
        {"parameters": {"connections": 5, "batch": 5}},
        {"limits": (Limit("cores", 500.0),)},
    ],
    ids=["another number", "only a time", "two alike", "another limit"],
)
def test_it_is_not_guessed(changes: dict[str, Any]) -> None:
    assert isinstance(less_contention(replace(DATABASE, **changes)), Unproven)


@given(
    evidence=evidences,
    alone=st.none() | evidences,
    name=st.sampled_from([rule.name for rule in RULES]),
    model=st.sampled_from([*MODELS, "actors"]),
)
def test_for_any_cause_a_change_is_predicted_or_refused(
    evidence: Evidence, alone: Evidence | None, name: str, model: str
) -> None:
    derived = limits(Demands.of(alone, evidence), Supply.of(evidence))
    for known in (derived, (), (Limit("cores", 10.0),)):
        sized_by = SIZED_BY.get(model)
        cell = DiagnosedCell(evidence, known, RUNTIME, model, {}, OPTIONS, sized_by)
        chosen = remedy(name, cell)
        if isinstance(chosen, Remedy):
            low, high = chosen.predicted
            assert 0 < low <= high
            assert not low <= 1 <= high
