"""Trials beyond the peak are chosen by kind and time, and errors are named."""

import pytest

from loadtests.run.beyond.kinds import KINDS, chosen_kinds, expected_s, written
from loadtests.run.beyond.run import RUNS

ALL = {"overload": 10, "spike": 5, "soak": 120, "faults": 10, "bystanders": 10}


@pytest.mark.parametrize(
    ("given", "mode", "expected"),
    [
        ((), "quick", {}),
        ((), "full", ALL),
        (("surge",), "full", {"surge": 5}),
        (("none",), "full", {}),
        (("spike",), "full", {"spike": 5}),
        (("soak=10m", "overload=60s"), "quick", {"soak": 600, "overload": 60}),
        (("faults=1500ms", "soak=1.5h"), "quick", {"faults": 1.5, "soak": 5400}),
    ],
)
def test_kinds_are_chosen_and_written_as_they_are_read(
    given: tuple[str, ...], mode: str, expected: dict[str, float]
) -> None:
    assert chosen_kinds(given, mode) == expected
    assert chosen_kinds(written(expected, mode), mode) == expected


def test_defaults_are_not_written() -> None:
    assert written(ALL, "full") == []
    assert written({}, "quick") == []
    assert written({}, "full") == ["none"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("spke",), "unknown kind of load 'spke'; did you mean 'spike'?"),
        (("x",), "unknown kind of load 'x'; expected overload, spike, soak,"),
        (("soak=long",), "soak: invalid duration 'long': expected e.g. 250ms, 30s, 2m or 1h"),
        (("soak=",), "soak: invalid duration ''"),
        (("soak=30",), "soak: invalid duration '30'"),
        (("bystanders=9s",), "'bystanders=9s' is too short to show anything; give bystanders 10s"),
        (("soak=0.5s",), "'soak=0.5s' is too short to show anything; give soak 1s or more"),
        (("none", "soak"), "'none' excludes all others"),
    ],
)
def test_a_wrong_kind_or_time_is_named(given: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        chosen_kinds(given, "quick")
    assert message in str(raised.value)


def test_every_kind_can_be_run_and_its_time_is_expected() -> None:
    assert RUNS.keys() == KINDS.keys()
    assert expected_s({}) == 0
    for name, kind in KINDS.items():
        more = expected_s({name: 20}) - expected_s({name: 10})
        assert more == 10 * kind.times
