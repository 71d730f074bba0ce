"""Options are read from a form and a command line, travel as one word, and are stored whole."""

import argparse
import json
from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import pytest

from loadtests.commands.parser import add_options, options_of, parser
from loadtests.report.summary import summarize
from loadtests.run.file.lines import Run, plan_of
from loadtests.run.flags import Flag, names, number, option
from loadtests.run.options import MEASURE, Options, parameters, request_of
from loadtests.run.survival.history import different
from loadtests.service.options import ServerOptions
from loadtests.slo import Slo
from tests.support.run_files import plan

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
    "prove": True,
    "baseline": "thread-pool",
    "need": "kills-late,survives_crash",
    "at_load": "150",
    "steps": "4",
    "spike": "2.5",
    "running_service": True,
    "host": "http://service:80",
    "options": "",
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
def test_invalid_parameters(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"expected e\.g\. primes\.below=5000") as raised:
        parameters(f"sleep.ms=5,{wrong}")
    assert repr(wrong) in str(raised.value)


def test_options_are_read_whole() -> None:
    options = Options.of(Namespace(**CHOSEN))
    assert options.also == (Slo(99, 1.0), Slo(99.9, 1.0))
    assert options == Options(
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
        host="http://service:80",
        servers=ServerOptions({"threads": "4"}, ("/here/mine.py",), "/here"),
        beyond={"soak": 300.0, "spike": 5.0},
        prove=True,
        baseline="thread-pool",
        need=("kills_late", "survives_crash"),
        at_load=150.0,
        again=True,
        steps=4,
        spike=2.5,
    )


@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("slo", "nonsense", "invalid SLO 'nonsense'"),
        ("slo", "p99.9999<1s", "p99.9999 takes 2,995,7.. requests, and no run has more"),
        ("param", "sleep", "invalid parameter 'sleep'"),
        ("seed", "first", "invalid seed 'first': expected 0 to 4294967296"),
        ("at_load", "0", "invalid load '0': expected 1 to 100000"),
        ("at_load", "much", "invalid load 'much': expected 1 to 100000"),
        ("need", ",", "',' names nothing: expected names separated by commas"),
        ("steps", "2.5", "invalid number of steps '2.5': expected e.g. 5"),
        ("spike", "high", "invalid height of the spike 'high': expected e.g. 4"),
        ("beyond", "sok", "unknown kind of load 'sok'; did you mean 'soak'?"),
    ],
)
def test_what_is_wrong_is_named(field: str, wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options.of(Namespace(**{**CHOSEN, field: wrong}))


def test_options_travel_as_one_word() -> None:
    options = Options.of(Namespace(**CHOSEN))
    sent = Namespace(**{**CHOSEN, "options": options.dump(), "seed": "8", "models": []})
    assert Options.of(sent) == options
    assert Options.restore({**options.as_json(), "of a later version": 1}) == options


def test_the_first_line_of_a_run_has_the_words_of_its_options() -> None:
    parsed = parser().parse_args(
        [
            *("survive", "--workloads", "sleep,primes", "--beyond", "soak=5m", "--prove"),
            *("--param", "sleep.ms=5", "--param", "primes.below=9", "--budget", "10m"),
            *("--generators", "2", "--seed", "3", "--baseline", "thread-pool"),
            *("--need", "kills_late,survives-crash", "--autopsy", "all", "--load", "150"),
        ]
    )
    options = options_of(parsed, servers=ServerOptions({"threads": "4"}))
    assert options.need == ("kills_late", "survives_crash")
    line = request_of({"line": "run", "options": json.loads(json.dumps(options.record()))})
    assert {name: value for name, value in line.items() if name != "options"} == {
        "line": "run", "slo": "p99<250ms", "mode": "quick", "seed": 3,
        "beyond_s": 303.0,
        "arguments": {
            "workloads": ["sleep", "primes"],
            "models": list(Options().models),
            "param": ["sleep.ms=5", "primes.below=9"],
            "against": None,
            "host": None, "start": [], "url": [], "pid": [], "vary": [], "request": [],
            "bystander": None, "start-within": None,
            "size": [], "beyond": ["soak=300s"], "budget": "600s",
            "prove": True, "a-a": False, "baseline": "thread-pool",
            "need": ["kills-late", "survives-crash"], "autopsy": "all", "load": "150",
            "generators": 2, "threads": "4", "server_python": [],
        },
    }  # fmt: skip
    assert line["options"]["servers"]["directory"] == ""
    assert request_of({"line": "run", "slo": "p99<1s"}) == {"line": "run", "slo": "p99<1s"}


@pytest.mark.parametrize(
    ("flags", "again", "shown"),
    [((), False, False), (("--a-a",), True, True), (("--full",), True, False)],
)
def test_a_full_run_measures_a_row_twice_without_saying_so(
    flags: tuple[str, ...], again: bool, shown: bool
) -> None:
    options = options_of(parser().parse_args(["survive", *flags]), servers=ServerOptions())
    assert (options.again, options.words()["a-a"]) == (again, shown)
    line = plan([], options=json.loads(json.dumps(options.record())))
    assert ("--a-a" in summarize(Run(plan_of(line))).command) == shown


@dataclass(frozen=True, slots=True)
class Patient(Options):
    """The options, and a further one: one field, and nothing else."""

    patience_s: int = option(
        7, Flag(MEASURE, "seconds to wait", "N", "patience", number("patience", "7", int, 1, 60))
    )


def test_a_further_option_is_one_field(capsys: pytest.CaptureFixture[str]) -> None:
    line = argparse.ArgumentParser()
    add_options(line, Patient)
    assert "--patience N" in line.format_help()
    assert "seconds to wait (default: 7)" in line.format_help()
    with pytest.raises(SystemExit):
        line.parse_args(["--patience", "61"])
    assert "invalid patience '61': expected 1 to 60" in capsys.readouterr().err
    options = options_of(line.parse_args(["--patience", "9"]), Patient)
    assert isinstance(options, Patient)
    assert options.patience_s == 9
    assert Patient.restore(json.loads(options.dump())) == options
    assert options.record()["patience_s"] == 9
    assert options.words()["patience"] == 9
    begun, now = ({"mode": "quick", "arguments": {"patience": given}} for given in (7, 9))
    assert list(different(begun, now)) == ["--patience 7 (now 9)"]
