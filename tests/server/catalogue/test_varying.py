"""A parameter that varies is drawn for each request that does not give it."""

import random
import re
from collections.abc import Iterator
from typing import Annotated, Literal

import pytest

from server.catalogue.parameters import Parameters
from server.errors import BadParameter
from server.workloads import Payload, Vary

KIB = Payload.of(1)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    before = random.getstate()
    random.seed(1)
    yield
    random.setstate(before)


def drawing(
    number: Annotated[int, Vary(1, 9)],
    share: Annotated[float, Vary(0.5, 2.5)],
    shade: Annotated[Literal["red", "blue"], Vary(["blue", "red"], zipf=2)] = "red",
    kib: Annotated[Payload, Vary(1, 2)] = KIB,
    fixed: int = 3,
) -> None: ...


DRAWING = Parameters(drawing)


def test_each_request_draws_what_it_does_not_give() -> None:
    drawn = [DRAWING.read("") for _ in range(500)]
    assert {values["number"] for values in drawn} == {*range(1, 10)}
    assert len({values["share"] for values in drawn}) == 500
    assert all(0.5 <= values["share"] <= 2.5 for values in drawn)
    shades = [values["shade"] for values in drawn]
    assert shades.count("blue") > shades.count("red") > 0  # four times as often
    assert {len(values["kib"]) for values in drawn} == {1024, 2048}
    assert {values["fixed"] for values in drawn} == {3}
    given = [DRAWING.read("number=40&shade=red&kib=1") for _ in range(20)]
    assert {(values["number"], values["shade"], len(values["kib"])) for values in given} == {
        (40, "red", 1024)
    }
    assert len({values["share"] for values in given}) == 20


def test_what_is_drawn_is_described() -> None:
    described = DRAWING.describe()
    assert {name: known.get("varies") for name, known in described.items()} == {
        "number": {"minimum": 1, "maximum": 9},
        "share": {"minimum": 0.5, "maximum": 2.5},
        "shade": {"values": ["blue", "red"], "zipf": 2},
        "kib": {"minimum": 1, "maximum": 2},
        "fixed": None,
    }
    assert described["number"]["default"] == 1  # an example
    assert DRAWING.all["number"].schema() == {
        "type": "integer",
        "examples": [1],
        "x-varies": {"minimum": 1, "maximum": 9},
        "description": "Without it, each request draws a value.",
    }
    with pytest.raises(BadParameter) as refused:
        DRAWING.read("number=many")
    assert refused.value.hint == "number takes an integer; without it, each request draws a value."


def test_the_first_values_are_drawn_most_under_zipf() -> None:
    vary = Vary(1, 1000, zipf=1.0)
    drawn = [vary.draw() for _ in range(4000)]
    harmonic = sum(1 / place for place in range(1, 1001))
    for value in (1, 2, 4):
        expected = 4000 / value / harmonic
        assert abs(drawn.count(value) - expected) < 6 * expected**0.5  # six standard deviations
    assert {type(value) for value in drawn} == {int}
    assert 1 <= min(drawn) <= max(drawn) <= 1000


@pytest.mark.parametrize(
    ("vary", "problem"),
    [
        ("Vary(5, 1)", "Vary(5, 1) draws nothing: the second number must be the greater"),
        ("Vary([])", "Vary([]) has nothing to draw from; write Vary(1, 5000), or "),
        ("Vary('abc')", "Vary('abc') has nothing to draw from; write Vary(1, 5000), or "),
        ("Vary(1, True)", "Vary(1, True) has bounds that are not numbers; list them: Vary("),
        ("Vary(1, 2.5, zipf=1)", "Vary(1, 2.5) cannot have zipf=1: it takes a positive exponent"),
        ("Vary(1, 9, zipf=-1)", "Vary(1, 9) cannot have zipf=-1: it takes a positive exponent"),
        ("Vary(0, 10**6, zipf=1)", "Vary(0, 1000000) cannot have zipf=1: it takes a positive e"),
    ],
)
def test_a_parameter_that_cannot_vary_so_is_refused(vary: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        eval(vary, {"Vary": Vary})
