"""A parameter is described by its signature, and takes exactly what its schema allows."""

import enum
import json
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pytest
from annotated_types import Ge, Interval, Le, Len, Unit, doc
from hypothesis import given
from hypothesis import strategies as st

from server.catalogue.parameters import Parameters
from server.errors import BadParameter
from server.workloads import Payload
from server.workloads.registry import WorkloadError

CARRIED = Payload.of(4)


class Shade(enum.Enum):
    RED = "red"
    BLUE = "navy blue"


def varied(  # noqa: PLR0913, PLR0917 - one parameter of each kind
    size: Annotated[int, Interval(ge=1, le=4096), Unit("KiB"), doc("How much.")] = 64,
    share: Annotated[float, Interval(ge=0, le=1)] = 0.5,
    name: str = "plain",
    fast: bool = False,
    least: Annotated[int, Ge(3)] = 3,
    data: Annotated[Payload, Interval(ge=0, le=8), Unit("KiB")] = CARRIED,
    shade: Annotated[Shade, doc("Of the paint.")] = Shade.BLUE,
    word: "Literal['a', 'b']" = "a",
    only: Literal["one"] = "one",
    level: Literal[1, 2] = 2,
    most: Annotated[float, Le(9)] = 1,
    text: Annotated[str, Len(1, 3)] = "abc",
) -> None:
    """Take one parameter of each kind."""


PARAMETERS = Parameters(varied)


def refusal(code: str) -> str:
    names = dict(globals())
    exec(compile(code, "shop.py", "exec"), names)
    with pytest.raises(WorkloadError) as caught:
        Parameters(names["f"])
    return str(caught.value)


def test_the_signature_is_the_description() -> None:
    described = PARAMETERS.describe()
    assert described["size"] == {
        "type": "integer",
        "default": 64,
        "minimum": 1,
        "maximum": 4096,
        "unit": "KiB",
        "doc": "How much.",
    }
    assert {name: parameter["type"] for name, parameter in described.items()} == {
        **dict.fromkeys(("size", "least", "data", "level"), "integer"),
        **dict.fromkeys(("name", "shade", "word", "only", "text"), "string"),
        **dict.fromkeys(("share", "most"), "number"),
        "fast": "boolean",
    }
    assert (described["least"]["minimum"], described["least"]["maximum"]) == (3, None)
    assert (described["data"]["default"], described["shade"]["default"]) == (4, "navy blue")
    assert {
        name: parameter["choices"]
        for name, parameter in described.items()
        if "choices" in parameter
    } == {
        "shade": ["red", "navy blue"],
        "word": ["a", "b"],
        "only": ["one"],
        "level": [1, 2],
    }


def test_choices_are_converted_to_their_values() -> None:
    read = PARAMETERS.read("shade=red&word=b&level=1")
    assert (read["shade"], read["word"], read["level"]) == (Shade.RED, "b", 1)
    assert PARAMETERS.read("")["shade"] is Shade.BLUE


def test_the_default_makes_an_example_that_is_read_as_the_default() -> None:
    examples = {name: parameter.query() for name, parameter in PARAMETERS.all.items()}
    assert (examples["fast"], examples["shade"]) == ("fast=false", "shade=navy+blue")
    assert PARAMETERS.read("&".join(examples.values())) == PARAMETERS.read("")


def test_the_schema_says_all_that_the_description_says() -> None:
    schemas = {name: parameter.schema() for name, parameter in PARAMETERS.all.items()}
    assert schemas["size"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 4096,
        "default": 64,
        "description": "How much. Unit: KiB.",
    }
    assert (schemas["data"]["maximum"], schemas["data"]["description"]) == (8, "Unit: KiB.")
    assert schemas["fast"] == {"type": "boolean", "default": False}
    red_or_blue = {"type": "string", "enum": ["red", "navy blue"], "default": "navy blue"}
    assert schemas["shade"] == {**red_or_blue, "description": "Of the paint."}
    assert schemas["text"] == {"type": "string", "minLength": 1, "maxLength": 3, "default": "abc"}
    assert schemas["only"] == {"type": "string", "const": "one", "default": "one"}


@pytest.mark.parametrize(
    "query",
    [
        *("size=1.0", "size=1_000", "size=+5", "size=%2B5", "size=%205", "size=5%20", "size=0x10"),
        *("size=05", "size=--5", "size=1e2", "size=%D9%A5", "size=5%0A", "size=true", 'size="5"'),
        *("share=.5", "share=1.", "share=Infinity", "share=0x1p0", "share=1e", "share=true"),
        *("fast=1", "fast=0", "fast=True", "fast=yes", "fast=on", "fast=", 'fast="true"'),
    ],
)
def test_what_json_writes_otherwise_is_refused(query: str) -> None:
    with pytest.raises(BadParameter, match="Input should be a valid"):
        PARAMETERS.read(query)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("shade=green", "shade takes red or navy blue; its default is navy blue."),
        ("level=3", "level takes 1 or 2; its default is 2."),
        ("level=1.0", "level takes 1 or 2; its default is 2."),
        ("most=9.1", "most takes a number of at most 9; its default is 1.0."),
        ("text=four", "text takes a string; its default is abc."),
    ],
)
def test_an_unknown_choice_is_refused(query: str, hint: str) -> None:
    with pytest.raises(BadParameter) as caught:
        PARAMETERS.read(query)
    assert caught.value.hint == hint


TYPES: dict[str, Any] = {"integer": int, "number": int | float, "boolean": bool, "string": str}


def allows(schema: dict[str, Any], value: Any) -> bool:
    """Validate a value as JSON schema does, except that 5.0 is not an integer here."""
    size = len(value) if isinstance(value, str) else 1
    return (
        isinstance(value, TYPES[schema["type"]])
        and isinstance(value, bool) == (schema["type"] == "boolean")
        and value in schema.get("enum", [schema.get("const", value)])
        and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("minLength", size) <= size <= schema.get("maxLength", size)
    )


@pytest.mark.parametrize("name", PARAMETERS.all)
@given(st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text())
def test_what_the_schema_allows_is_taken_and_nothing_else(name: str, value: Any) -> None:
    parameter = PARAMETERS.all[name]
    if isinstance(value, str) != (parameter.type == "string"):
        return  # a query does not distinguish the text 5 from the number
    sent = value if isinstance(value, str) else json.dumps(value)
    try:
        PARAMETERS.read(f"{name}={quote(sent)}")
    except BadParameter:
        assert not allows(parameter.schema(), value)
    else:
        assert allows(parameter.schema(), value)


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        ("a", "has no type; write a: Annotated[int, Interval(ge=1, le=100)] = 10"),
        ("a: int", "has no default, which a request without a query needs; give it a small one"),
        ("*a: int", "cannot be given by name; write it without *, ** and /"),
        ("a: int = 1, /", "cannot be given by name; write it without *, ** and /"),
        ("a: list[int] = []", "has a type that no query can give (list[int]); use int, float, "),
        ("a: int | None = 1", "has a type that no query can give (int | None); use int, float, "),
        ("a: Any = 1", "has a type that no query can give (Any); use int, float, bool, str, "),
        ("a: None = None", "has a type that no query can give (NoneType); use int, float, bool"),
        ("a: Literal[1, 'b'] = 1", "has a type that no query can give (Literal[1, 'b']); use "),
        ("a: enum.Enum = 1", "has a type that no query can give (enum.Enum); use int, float, "),
        ("a: int = 1.5", "would reject its own default 1.5: Input should be a valid integer"),
        ("a: int = True", "would reject its own default True: Input should be a valid integer"),
        ("a: Shade = 'red'", "would reject its own default 'red': Input should be an instance of"),
        ("a: Literal['b'] = 'c'", "would reject its own default 'c': Input should be 'b'"),
        ("a: float = float('inf')", "would reject its own default inf: Input should be a finite"),
        ("a: Annotated[int, Le(9)] = 10", "would reject its own default 10: Input should be less"),
        ("a: Payload = 64", "has a default that is not a Payload; write Payload.of(64)"),
        ("a: 'Missing' = 1", "has no usable type: NameError: name 'Missing' is not defined"),
        ("a: Annotated[str, Ge(1)] = 'a'", "has no usable type: TypeError: Unable to apply cons"),
    ],
)
def test_a_parameter_that_no_query_could_give_is_named(signature: str, problem: str) -> None:
    message = refusal(f"def f({signature}): ...")
    assert message.startswith(f"shop.py:1: parameter 'a' of 'f' {problem}")


def test_the_result_too_needs_a_type_that_exists() -> None:
    message = refusal("def f() -> 'Missing': ...")
    assert message.startswith(
        "shop.py:1: the result of 'f' has no usable type: NameError: name 'Mis"
    )
