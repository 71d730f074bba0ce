"""A workload takes the parameters of its signature, and nothing else."""

from typing import Annotated, Any
from urllib.parse import quote

import pytest
from annotated_types import Ge, Interval, Unit, doc
from hypothesis import given
from hypothesis import strategies as st

from server.catalogue.parameters import Parameters
from server.errors import BadParameter, BadRequest
from server.workloads import Payload

CARRIED = Payload.of(4)


def everything(  # noqa: PLR0913, PLR0917 - one parameter of each kind
    size: Annotated[int, Interval(ge=1, le=4096), Unit("KiB"), doc("How much.")] = 64,
    share: Annotated[float, Interval(ge=0, le=1)] = 0.5,
    name: str = "plain",
    fast: bool = False,
    least: Annotated[int, Ge(3)] = 3,
    data: Annotated[Payload, Interval(ge=0, le=8), Unit("KiB")] = CARRIED,
) -> None:
    """Take one parameter of each kind."""


def nothing() -> None:
    """Take none."""


PARAMETERS = Parameters(everything)
DEFAULTS = {"size": 64, "share": 0.5, "name": "plain", "fast": False, "least": 3, "data": CARRIED}


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("", {}),
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
    read = PARAMETERS.read(query)
    assert read == {**DEFAULTS, **given}
    assert isinstance(read["data"], Payload)


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("size=0", "size='0': Input should be greater than or equal to 1", "from 1 to 4096 KiB"),
        ("size=4097", "size='4097': Input should be less than or equal to", "its default is 64"),
        ("size=ten", "size='ten': Input should be a valid integer", "size takes an integer from"),
        ("size=1.5", "size='1.5': Input should be a valid integer", "size takes an integer"),
        ("size=", "size='': Input should be a valid integer", "size takes an integer"),
        ("share=nan", "share='nan': Input should be a valid number", "share takes a number from"),
        ("share=1e999", "share='1e999': Input should be a finite number", "from 0 to 1"),
        ("fast=maybe", "fast='maybe': Input should be a valid boolean", "takes true or false"),
        ("least=2", "least='2': Input should be greater than or equal to 3", "of at least 3; its"),
        (f"least={'9' * 5000}", "least='99999", "of at least 3; its default is 3."),
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
        "size=%ff",
        "%ff=1",
        "size=%zz",
        "size=5%",
        "name=%ed%a0%80",
        "&&",
        "size=5&",
        "&",
        "size",
        "name=\udcff",
    ],
)
def test_a_query_that_cannot_be_parsed_is_refused(query: str) -> None:
    with pytest.raises(BadRequest, match="cannot be parsed") as caught:
        PARAMETERS.read(query)
    assert caught.value.hint == "Write ?name=value&name=value, percent-encoded as UTF-8."


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("=", "unknown parameter ''", "There are: data, fast, least, name, share, size."),
        ("sise=1", "unknown parameter 'sise'", "Did you mean 'size'?"),
        ("x=1", "unknown parameter 'x'", "There are: data, fast, least, name, share, size."),
        ("size=1&size=1", "parameter 'size' was given twice", "Give each parameter once."),
    ],
)
def test_unknown_and_repeated_parameters_are_refused(query: str, message: str, hint: str) -> None:
    with pytest.raises(BadRequest) as caught:
        PARAMETERS.read(query)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_without_parameters_none_is_taken() -> None:
    assert Parameters(nothing).read("") == {}
    with pytest.raises(BadRequest) as caught:
        Parameters(nothing).read("size=1")
    assert caught.value.hint == "It takes no parameters."


@given(number=st.integers())
def test_integers_pass_within_their_bounds_and_nowhere_else(number: int) -> None:
    if 1 <= number <= 4096:
        assert PARAMETERS.read(f"size={number}")["size"] == number
    else:
        with pytest.raises(BadParameter):
            PARAMETERS.read(f"size={number}")


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
        assert read.keys() == DEFAULTS.keys()
        assert 1 <= read["size"] <= 4096
        assert 0 <= read["share"] <= 1


def test_a_payload_is_made_once_and_sent_often() -> None:
    assert PARAMETERS.read("data=8")["data"] is PARAMETERS.read("data=8&size=2")["data"]
