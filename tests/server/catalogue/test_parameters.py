"""Parameters are described by the signature, and take exactly what their schema allows."""

import enum
import json
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pytest
from annotated_types import Ge, Interval, Le, Len, Unit, doc
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator

from server.catalogue.parameters import Parameters
from server.errors import BadParameter, BadRequest
from server.workloads import Payload
from server.workloads.registry import WorkloadError

CARRIED = Payload.of(4)


class Shade(enum.Enum):
    RED = "red"
    BLUE = "navy blue"


Hidden = enum.Enum("Hue", {"A": "a"})  # type: ignore[misc]  # it does not pickle


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
DEFAULTS = {
    "size": 64,
    "share": 0.5,
    "name": "plain",
    "fast": False,
    "least": 3,
    "data": CARRIED,
    "shade": Shade.BLUE,
    "word": "a",
    "only": "one",
    "level": 2,
    "most": 1,
    "text": "abc",
}


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


def test_the_default_makes_an_example_that_is_read_as_the_default() -> None:
    examples = {name: parameter.query() for name, parameter in PARAMETERS.all.items()}
    assert (examples["fast"], examples["shade"]) == ("fast=false", "shade=navy+blue")
    assert PARAMETERS.read("&".join(examples.values())) == PARAMETERS.read("") == DEFAULTS


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
    ("query", "given"),
    [
        ("size=1", {"size": 1}),
        ("size=4096&share=0", {"size": 4096, "share": 0.0}),
        ("share=1e-3", {"share": 0.001}),
        ("name=", {"name": ""}),
        ("name=a%20b%26c", {"name": "a b&c"}),
        ("fast=true", {"fast": True}),
        ("fast=false", {"fast": False}),
        ("share=1", {"share": 1.0}),
        ("share=1E-2", {"share": 0.01}),
        ("name=a+b", {"name": "a b"}),
        ("name=%00%C3%BC", {"name": "\0ü"}),
        ("name==", {"name": "="}),
        ("data=0", {"data": Payload(b"")}),
        ("data=8", {"data": Payload.of(8)}),
    ],
)
def test_what_is_given_replaces_the_default(query: str, given: dict[str, Any]) -> None:
    assert PARAMETERS.read(query) == DEFAULTS | given


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("size=0", "size='0': Input should be greater than or equal to 1", "from 1 to 4096 KiB"),
        ("size=4097", "size='4097': Input should be less than or equal to", "its default is 64"),
        ("share=nan", "share='nan': Input should be a valid number", "share takes a number from"),
        ("share=1e999", "share='1e999': Input should be a finite number", "from 0 to 1"),
        ("fast=maybe", "fast='maybe': Input should be a valid boolean", "takes true or false"),
        ("least=2", "least='2': Input should be greater than or equal to 3", "of at least 3; its"),
        (f"least={'9' * 5000}", "least='99999", "of at least 3; its default is 3."),
        (
            "shade=green",
            "shade='green': ",
            "shade takes red or navy blue; its default is navy blue.",
        ),
        ("level=3", "level='3': ", "level takes 1 or 2; its default is 2."),
        ("level=1.0", "level='1.0': ", "level takes 1 or 2; its default is 2."),
        ("most=9.1", "most='9.1': ", "most takes a number of at most 9; its default is 1.0."),
        ("text=four", "text='four': ", "text takes a string; its default is abc."),
        ("data=9", "data='9': Input should be less than or equal to 8", "from 0 to 8 KiB"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(query: str, message: str, hint: str) -> None:
    with pytest.raises(BadParameter) as caught:
        PARAMETERS.read(query)
    assert str(caught.value).startswith(message)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "query",
    [
        *("size=%ff", "%ff=1", "size=%zz", "size=5%", "name=%ed%a0%80", "name=\udcff"),
        *("&&", "size=5&", "&", "size"),
    ],
)
def test_a_query_that_cannot_be_parsed_is_refused(query: str) -> None:
    with pytest.raises(BadRequest, match="cannot be parsed") as caught:
        PARAMETERS.read(query)
    assert caught.value.hint == "Write ?name=value&name=value, percent-encoded as UTF-8."


NAMES = f"There are: {', '.join(sorted(PARAMETERS.all))}."


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("=", "unknown parameter ''", NAMES),
        ("sise=1", "unknown parameter 'sise'", "Did you mean 'size'?"),
        ("x=1", "unknown parameter 'x'", NAMES),
        ("size=1&size=1", "parameter 'size' was given twice", "Give each parameter once."),
    ],
)
def test_unknown_and_repeated_parameters_are_refused(query: str, message: str, hint: str) -> None:
    with pytest.raises(BadRequest) as caught:
        PARAMETERS.read(query)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_without_parameters_none_is_taken() -> None:
    nothing = Parameters(lambda: None)
    assert nothing.read("") == {}
    with pytest.raises(BadRequest) as caught:
        nothing.read("size=1")
    assert caught.value.hint == "It takes no parameters."


@given(text=st.text())
def test_text_arrives_as_it_was_sent(text: str) -> None:
    assert PARAMETERS.read(f"name={quote(text)}")["name"] == text


@given(query=st.text() | st.from_regex(r"(size|share|data|fast)=.*(&.*)?", fullmatch=True))
def test_no_query_breaks_the_reader(query: str) -> None:
    try:
        read = PARAMETERS.read(query)
    except (BadRequest, BadParameter) as error:
        assert error.hint  # noqa: PT017 - either outcome is right
    else:
        assert read.keys() == PARAMETERS.all.keys()
        assert 1 <= read["size"] <= 4096
        assert 0 <= read["share"] <= 1


def rejects(_value: int) -> int:
    raise KeyError("no such size")


def picky(size: Annotated[int, AfterValidator(lambda n: n and rejects(n))] = 0) -> None:
    """Validate by code that raises anything."""


def test_a_validator_that_fails_is_the_value_s_failure() -> None:
    with pytest.raises(BadParameter, match="size='1': its validator raised KeyError: 'no such"):
        Parameters(picky).read("size=1")


def unbounded(data: Payload = CARRIED, more: Annotated[Payload, Ge(-2)] = CARRIED) -> None:
    """Leave it to the server how much a request may have it allocate."""


@pytest.mark.parametrize("query", ["data=-1", "more=-1", "data=65537", "more=100000000000"])
def test_a_payload_without_bounds_gets_some(query: str) -> None:
    with pytest.raises(BadParameter, match=r"Input should be (less|greater) than or equal to"):
        Parameters(unbounded).read(query)
    described = Parameters(unbounded).describe()
    assert {(shown["minimum"], shown["maximum"]) for shown in described.values()} == {(0, 65_536)}


def test_a_payload_is_made_once_and_sent_often() -> None:
    assert PARAMETERS.read("data=8")["data"] is PARAMETERS.read("data=8&size=2")["data"]


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
        ("a: Hidden = Hidden.A", "has a default that cannot be sent to a worker process; define "),
        ("a: str = '\\ud800'", "contains a lone surrogate, which no answer can contain; remove it"),
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
