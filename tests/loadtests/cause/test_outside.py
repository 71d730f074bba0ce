"""What limits a service that reports nothing of itself is named, and so is what would help."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from loadtests.capacity.demands import Demands, Limit
from loadtests.cause.remedy import DiagnosedCell, Remedy, Unproven, recorded
from loadtests.cause.rules import diagnose, remedy
from loadtests.trial.evidence import Evidence
from tests.support import outside_examples as outside

UVICORN = "uvicorn shop:app --port {port}"
SENTENCES: Mapping[str, tuple[Evidence, Evidence | None, str, str]] = {
    "a service that lets 40 requests in": (
        outside.ADMITTING,
        outside.lone(outside.LIMITER),
        "pool",
        "it lets 40 requests in at a time, for 105 ms each: 380/s, while 1.6 of 2 cores idle",
    ),
    "a service with 5 connections": (
        outside.FEW_CONNECTIONS,
        outside.lone(outside.CONNECTIONS),
        "pool",
        "it lets 5 requests in at a time, for 51.0 ms each: 98/s, while 1.6 of 2 cores idle",
    ),
    "a service that blocks its loop": (
        outside.BLOCKED,
        outside.lone(outside.BLOCKING),
        "loop blocked",
        "it serves one request at a time, for 101 ms each, and other requests wait meanwhile "
        "(152 ms), while 1.9 of 2 cores idle",
    ),
    "a service on one core": (
        outside.ONE_CORE,
        outside.lone(outside.COMPUTING),
        "one core",
        "its process used 0.98 of a core, 4.9 ms per request: one GIL, or one event loop, allows "
        "no more",
    ),
    "a service elsewhere": (
        outside.UNSEEN,
        None,
        "unknown",
        "what requests waited for is not visible from outside",
    ),
}
LIMITS = [Limit("slots", 380.0), Limit("cores", 2000.0)]
BUSY = [Limit("loop", 204.0), Limit("cores", 400.0)]


@pytest.mark.parametrize("example", SENTENCES)
def test_what_limits_it_is_named_with_the_proof(example: str) -> None:
    evidence, alone, name, sentence = SENTENCES[example]
    cause = diagnose(evidence, Demands.of(alone, evidence) if alone else None)
    assert (cause.name, cause.sentence) == (name, sentence)


def cell(
    evidence: Evidence, command: str, limits: list[Limit] | None = None, **values: tuple[str, ...]
) -> DiagnosedCell:
    """Return a cell of a row with the first of the values of each placeholder."""
    settings: dict[str, Any] = {
        "command": command,
        "values": {name: all_values[0] for name, all_values in values.items()},
        "varied": {name: list(all_values) for name, all_values in values.items()},
    }
    return DiagnosedCell(evidence, limits or LIMITS, settings, "shop", workload="/", capacity=350)


def advice(cause: str, diagnosed: DiagnosedCell) -> str:
    chosen = remedy(cause, diagnosed)
    assert isinstance(chosen, Unproven)
    return chosen.advice


def test_the_limiter_of_a_framework_is_recognised_by_its_number_and_the_command() -> None:
    assert advice("pool", cell(outside.ADMITTING, UVICORN)).startswith("40 is the default of AnyIO")
    assert "AnyIO" not in advice("pool", cell(outside.ADMITTING, "gunicorn shop:app"))
    assert "AnyIO" not in advice("pool", cell(outside.FEW_CONNECTIONS, UVICORN))
    two = replace(outside.LIMITER, slots=80, slots_low=77, slots_high=84, servers=2)
    assert "AnyIO" in advice("pool", cell(replace(outside.ADMITTING, admitted=two), UVICORN))


@pytest.mark.parametrize("command", ["gunicorn --threads 5 shop:app", "gunicorn --threads=5 x"])
def test_an_option_of_the_command_with_that_number_is_named(command: str) -> None:
    assert advice("pool", cell(outside.FEW_CONNECTIONS, command)) == (
        "its command says `--threads 5`: raise that"
    )


def test_the_next_larger_value_that_varies_is_the_remedy() -> None:
    known = cell(outside.ADMITTING, UVICORN, workers=("1", "2", "4"), threads=("40", "160", "80"))
    chosen = remedy("pool", known)
    assert isinstance(chosen, Remedy)
    assert chosen.change == "80 threads instead of 40"
    low, high = chosen.predicted
    assert low < 2 < high
    assert recorded(chosen, known)["option"] == "--vary threads=80"
    largest = cell(outside.ADMITTING, UVICORN, threads=("160", "80"))
    assert "AnyIO" in advice("pool", largest)


@pytest.mark.parametrize(
    ("cause", "evidence", "words"),
    [
        ("loop blocked", outside.BLOCKED, "await instead of blocking"),
        ("one core", outside.ONE_CORE, "start more worker processes"),
    ],
)
def test_more_processes_or_other_code(cause: str, evidence: Evidence, words: str) -> None:
    assert words in advice(cause, cell(evidence, UVICORN, BUSY))
    more = remedy(cause, cell(evidence, UVICORN, BUSY, workers=("1", "2")))
    assert isinstance(more, Remedy)
    assert more.axes == {"vary": "workers=2"}
