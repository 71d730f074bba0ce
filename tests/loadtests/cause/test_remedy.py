"""A remedy turns the blamed resource alone, and says how far capacity should move."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.demands import Demands, Limit, Supply, limits
from loadtests.cause.claim import Remedy, Unproven
from loadtests.cause.diagnosis import NAMES, Cause, diagnose
from loadtests.cause.remedy import POOL_OF, WITHOUT, DiagnosedCell, remedy
from loadtests.service.option_flags import OPTION_FLAGS
from loadtests.trial.evidence import Evidence
from server.model_table import TABLE
from server.settings import Settings
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
LONE_INLINE = lone(19.5, on_loop=True, outside=0.2, on_cpu=0.03, off_cpu=50.1)


def case(
    evidence: Evidence, alone: Evidence | None, model: str, **settings: object
) -> tuple[Remedy | Unproven, Cause]:
    demands = Demands.of(alone, evidence)
    found = limits(demands, Supply.of(evidence))
    cause = diagnose(evidence, demands)
    runtime, parameters = {**RUNTIME, **settings}, {"kib": "8192"} if alone is LONE_ECHO else {}
    return remedy(DiagnosedCell(cause, evidence, found, runtime, model, parameters)), cause


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
        "a queue of 1024 requests instead of 256, bounded by its length alone",
        {"admission": "bounded", "queue": "1024"},
        2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_remedy_turns_the_blamed_resource(name: str) -> None:
    (evidence, alone, model), change, axes, ratio = CASES[name]
    found, _ = case(evidence, alone, model)
    assert isinstance(found, Remedy)
    assert (found.change, found.axes, found.parameters, found.cores) == (change, axes, {}, None)
    assert axes.keys() <= {axis.name for axis in OPTION_FLAGS}
    assert Settings.model_validate(axes)
    low, high = found.predicted
    assert 1 < low < ratio < high


def test_half_of_the_cores_bear_half() -> None:
    found, cause = case(evidence_examples.CORES, LONE_PROCESS, "process-pool")
    assert isinstance(found, Remedy)
    assert cause.name == "cores"
    assert (found.change, found.axes, found.cores) == ("1 of 2 cores for the server", {}, 1)
    assert found.predicted == pytest.approx((0.4, 0.707), abs=0.001)
    one, _ = case(
        replace(evidence_examples.CORES, cores=1, server_cores=0.9, gil=0.1),
        LONE_PROCESS,
        "process-pool",
    )
    assert one == Unproven("there is one core, and none to take away")


def test_half_of_the_payload_is_a_parameter_of_the_workload() -> None:
    found, _ = case(evidence_examples.ECHO, LONE_ECHO, "process-pool")
    assert isinstance(found, Remedy)
    assert (found.axes, found.parameters) == ({}, {"kib": "4096"})
    assert found.change == "half the payload (4096 instead of 8192 KiB)"
    cause = Cause("payload", "", {}, {})
    without = remedy(DiagnosedCell(cause, evidence_examples.ECHO, (), RUNTIME, "process-pool"))
    assert without == Unproven("the workload has no parameter `kib` that halves its payload")


def test_what_leaves_no_room_for_a_change_is_not_turned() -> None:
    near = replace(evidence_examples.GIL, cores=2, generator_cores=0.8, server_cores=1.05)
    assert case(near, LONE_THREAD, "thread-pool")[0] == Unproven(
        "the next limit is too near for a change to show: cores at 101/s"
    )
    full, _ = case(evidence_examples.POOL, LONE_SLEEP, "thread-pool", threads=600)
    assert full == Unproven("the server has no more than 1000 threads")
    loops, _ = case(evidence_examples.GIL, LONE_THREAD, "thread-pool", loops=2)
    assert isinstance(loops, Unproven)
    loop, _ = case(evidence_examples.INLINE_SLEEP, LONE_INLINE, "inline", loops=2)
    assert isinstance(loop, Remedy)
    assert loop.axes == {"loops": "4"}


def test_models_of_others_are_told_by_their_slots() -> None:
    found, _ = case(evidence_examples.POOL, LONE_SLEEP, "actors")
    assert found == Unproven("no option is known that sizes the 2 slots of actors")
    assert POOL_OF.keys() | {"inline", "async", "hybrid"} == TABLE.keys()


@pytest.mark.parametrize("name", WITHOUT)
def test_what_no_resource_proves_has_a_reason(name: str) -> None:
    found = remedy(
        DiagnosedCell(Cause(name, "", {}, {}), evidence_examples.POOL, (), RUNTIME, "process-pool")
    )
    assert found == Unproven(WITHOUT[name])


def test_bursts_under_a_tight_bound_may_gain_more() -> None:
    found, _ = case(evidence_examples.BURSTS, LONE_SLEEP, "process-pool")
    assert isinstance(found, Remedy)
    assert found.predicted[1] > 4


@given(
    evidence=evidences,
    alone=st.none() | evidences,
    name=st.sampled_from(NAMES),
    model=st.sampled_from([*TABLE, "actors"]),
)
def test_whatever_is_blamed_a_change_is_predicted_or_refused(
    evidence: Evidence, alone: Evidence | None, name: str, model: str
) -> None:
    found = limits(Demands.of(alone, evidence), Supply.of(evidence))
    for known in (found, (), (Limit("cores", 10.0),)):
        chosen = remedy(DiagnosedCell(Cause(name, "", {}, {}), evidence, known, RUNTIME, model))
        if isinstance(chosen, Remedy):
            low, high = chosen.predicted
            assert 0 < low <= high
            assert not low <= 1 <= high
