"""The OpenAPI document agrees with signatures: parameters, results, and the cells that can run."""

import json
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import jsonschema_rs
import pytest
import schemathesis
from annotated_types import Interval, Unit, doc

from server.catalogue.parameters import Parameters
from server.web.handlers import encode
from server.web.openapi import document
from server.workloads import Payload
from server.workloads.registry import Workload

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass
class Beam:
    length: float
    joints: list["Joint"]


@dataclass
class Joint:
    rivets: int


def count() -> dict[str, int]:
    return {"count": 1}


def carry() -> bytes:
    return b"1234"


def payload() -> Payload:
    return Payload.of(1)


def nothing() -> None:
    return None


def nan() -> dict[str, float]:
    return {"ratio": math.nan}


def beam() -> Beam:
    return Beam(2.5, [Joint(4)])


def untold():  # type: ignore[no-untyped-def]
    return [1, "two"]


def strange() -> threading.Thread:
    return {"any": "thing"}  # type: ignore[return-value]


def describing(function: Callable[..., Any], models: dict[str, str | None]) -> dict[str, Any]:
    name = function.__name__
    workload = Workload(name, "cpu", function, (), __name__)
    impossible = {(name, model): why for model, why in models.items()}
    return document({name: workload}, {name: Parameters(function)}, impossible, "hybrid")


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (count, {"count": "1"}),
        (carry, "1234"),
        (payload, {"bytes": 1024, "more": 1}),
        (nothing, 0),
        (nan, {"ratio": "NaN"}),
        (beam, {"length": 2.5, "joints": [{"rivets": "four"}]}),
        (untold, None),
        (strange, None),
    ],
)
def test_results_are_as_the_function_says(function: Callable[..., Any], wrong: Any) -> None:
    described = describing(function, {"inline": None})
    place = f"#/components/schemas/{function.__name__}.answer/properties/result"
    result = jsonschema_rs.validator_for({"$schema": DIALECT, "$ref": place, **described})
    result.validate(json.loads(encode(function())))
    if wrong is not None:
        assert not result.is_valid(wrong)
    schemathesis.openapi.from_dict(described).validate()


def test_only_what_can_run_is_listed() -> None:
    paths = describing(count, {"inline": None, "async": "it has no twin"})["paths"]
    assert [path for path in paths if path.startswith("/count")] == ["/count/inline"]
    paths = describing(count, {"inline": None, "hybrid": None})["paths"]
    assert {"/count", "/count/inline", "/count/hybrid"} < set(paths)
    assert paths["/count"]["get"]["operationId"] == "count"
    assert paths["/count/hybrid"]["get"]["operationId"] == "count-hybrid"


def weigh(
    mass: Annotated[int, Interval(ge=1, le=9), Unit("kg"), doc("What it weighs.")] = 3,
) -> int:
    """Weigh a thing."""
    return mass


def test_parameters_and_errors_are_described() -> None:
    described = describing(weigh, {"inline": None})
    operation = described["paths"]["/weigh/inline"]["get"]
    assert operation["summary"] == "Weigh a thing."
    assert operation["parameters"] == [{"$ref": "#/components/parameters/weigh.mass"}]
    assert described["components"]["parameters"]["weigh.mass"] == {
        "name": "mass",
        "in": "query",
        "description": "What it weighs. Unit: kg.",
        "example": 3,
        "schema": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
    }
    assert list(operation["responses"]) == ["200", "400", "403", "422", "500", "503", "504"]
    assert "Retry-After" in described["components"]["responses"]["Refused"]["headers"]
    without = describing(count, {"inline": None})["paths"]["/count/inline"]["get"]
    assert list(without["responses"]) == ["200", "400", "403", "500", "503", "504"]
