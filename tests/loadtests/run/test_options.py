"""What a person may choose is read alike from a form, which gives lists, and a command line."""

from argparse import Namespace
from typing import Any

import pytest

from loadtests.run.options import Options, names, parameters
from loadtests.service.options import ServerOptions
from loadtests.slo import Slo

CHOSEN: dict[str, Any] = {
    "workloads": ["sleep", "primes"],
    "models": "inline,thread-pool",
    "load": "closed",
    "arrivals": "uniform",
    "scenario": "survival",
    "slo": "p95<1s",
    "mode": "full",
    "seed": "7",
    "param": "sleep.ms=5,primes.below=100",
    "output": "here",
    "beyond": "soak=5m,spike",
    "searches": 0,
    "budget": "10m",
    "prove": True,
    "phases": "1s,2s,3s",
    "steps": "4",
    "spike": "2.5",
    "running_service": True,
    "servers": ServerOptions({"threads": "4"}, ("/here/mine.py",), "/here").dump(),
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("primes", ("primes",)),
        ("a,b", ("a", "b")),
        ([" a , b", "c"], ("a", "b", "c")),
        (["b", "a,b", "a"], ("b", "a")),
        (",a,,", ("a",)),
        ("", ()),
        ([], ()),
        (None, ()),
    ],
)
def test_names(given: Any, expected: tuple[str, ...]) -> None:
    assert names(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", {}),
        ("sleep.ms=5", {"sleep": {"ms": "5"}}),
        (
            ["sleep.ms=5", "fetch.pages=3, fetch.delay=1"],
            {"sleep": {"ms": "5"}, "fetch": {"pages": "3", "delay": "1"}},
        ),
        ("sleep.ms=5,sleep.ms=6", {"sleep": {"ms": "6"}}),
        ("mine.where=a.b=c", {"mine": {"where": "a.b=c"}}),
    ],
)
def test_parameters(given: Any, expected: dict[str, dict[str, str]]) -> None:
    assert parameters(given) == expected


@pytest.mark.parametrize("wrong", ["sleep", "ms=5", "sleep.ms", "sleep.ms=", ".ms=5", "sleep.=5"])
def test_what_is_no_parameter(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"is no parameter; write primes\.below=5000") as raised:
        parameters(f"sleep.ms=5,{wrong}")
    assert repr(wrong) in str(raised.value)


def test_options_are_read_whole() -> None:
    assert Options.of(Namespace(**CHOSEN)) == Options(
        workloads=("sleep", "primes"),
        models=("inline", "thread-pool"),
        load="closed",
        arrivals="uniform",
        scenario="survival",
        slo=Slo(95, 1.0),
        mode="full",
        seed=7,
        parameters={"sleep": {"ms": "5"}, "primes": {"below": "100"}},
        output="here",
        running_service=True,
        servers=ServerOptions({"threads": "4"}, ("/here/mine.py",), "/here"),
        beyond={"soak": 300.0, "spike": 5.0},
        also=(Slo(99, 1.0), Slo(99.9, 1.0)),
        searches=3,
        budget_s=600.0,
        prove=True,
        durations=(1, 2, 3),
        steps=4,
        spike=2.5,
    )


@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("slo", "nonsense", "invalid SLO 'nonsense'"),
        ("slo", "p99.9999<1s", "p99.9999 takes 2,995,7.. requests, and no run has more"),
        ("param", "sleep", "'sleep' is no parameter"),
        ("seed", "first", "'first' is no seed; write 1"),
        ("steps", "2.5", "'2.5' is no number of steps; write 5"),
        ("spike", "high", "'high' is no height of a spike; write 4"),
        ("budget", "soon", "invalid duration 'soon': expected e.g. 250ms, 30s, 2m or 1h"),
        ("phases", "1s", "invalid phases '1s'"),
        ("beyond", "sok", "there is no trial 'sok' beyond the peak; did you mean 'soak'?"),
    ],
)
def test_what_is_wrong_is_named(field: str, wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options.of(Namespace(**{**CHOSEN, field: wrong}))
