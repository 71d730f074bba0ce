"""One parameter of a workload, as the signature tells: described, validated, or refused at start.

A query carries text, of which a parameter takes exactly what its JSON schema allows: numbers and
booleans as JSON writes them, strings as they are.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable
from enum import Enum, EnumType
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

from annotated_types import DocInfo, GroupedMetadata, Unit
from pydantic import ConfigDict, TypeAdapter, ValidationError

from server.errors import BadParameter
from server.workloads import Payload
from server.workloads.registry import WorkloadError, place

NAMES: dict[Any, str] = {int: "integer", float: "number", bool: "boolean", str: "string"}
WRITTEN = {
    "integer": re.compile(r"-?(0|[1-9][0-9]*)"),
    "number": re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
}
NOUNS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a string",
}


class Parameter:
    """One parameter: its type, choices, default, bounds, unit and documentation.

    Raises WorkloadError, which does not name it, when no query could give it.
    """

    def __init__(self, one: inspect.Parameter, annotation: Any) -> None:
        if one.kind not in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}:
            raise WorkloadError("cannot be given by name; write it without *, ** and /")
        if annotation is one.empty:
            raise WorkloadError(
                f"has no type; write {one.name}: Annotated[int, Interval(ge=1, le=100)] = 10"
            )
        if one.default is one.empty:
            raise WorkloadError(
                "has no default, which a request without a query needs; give it a small one"
            )
        plain, *notes = (
            get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
        )
        self.name = one.name
        self.payload = plain is Payload
        asked: Any = int if self.payload else plain
        self.choices = _choices(asked)
        self.type = _type(asked, self.choices)
        form: Any = Annotated[asked, *notes] if notes else asked
        self._adapter = TypeAdapter[Any](form, config=ConfigDict(allow_inf_nan=False))
        self._schema = self._adapter.json_schema()
        self._schema.pop("title", None)
        self.unit, self.doc = None, self._schema.get("description", "")
        for note in [part for one in notes for part in _flat(one)]:
            match note:
                case Unit(unit=unit):
                    self.unit = unit
                case DocInfo(documentation=text):
                    self.doc = text
        self.default = self._checked(one.default)
        self._shown = self._adapter.dump_python(self.default, mode="json")

    def _checked(self, default: Any) -> Any:
        """Hold the default to what holds for values; a payload's is its size in KiB."""
        if self.payload:
            if not isinstance(default, Payload) or len(default) % 1024:
                raise WorkloadError("has a default that is no Payload; write Payload.of(64)")
            default = len(default) // 1024
        try:
            return self._adapter.validate_python(default, strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise WorkloadError(f"would refuse its own default {default!r}: {reason}") from None

    def describe(self) -> dict[str, Any]:
        described = {
            "type": self.type,
            "default": self._shown,
            "minimum": self._schema.get("minimum"),
            "maximum": self._schema.get("maximum"),
            "unit": self.unit,
            "doc": self.doc,
        }
        return {**described, "choices": self.choices} if self.choices else described

    def schema(self) -> dict[str, Any]:
        """Give the JSON schema of the parameter, for OpenAPI."""
        text = " ".join(filter(None, (self.doc, self.unit and f"Unit: {self.unit}.")))
        found = {**self._schema, "default": self._shown}
        return {**found, "description": text} if text else found

    def query(self) -> str:
        """Write the default as a query does: an example for people."""
        return urlencode({self.name: _sent(self._shown)})

    def read(self, raw: str) -> Any:
        """Validate one value. Raises BadParameter naming the bounds and what came."""
        try:
            if self.type == "string":
                return self._adapter.validate_python(raw)
            if WRITTEN[self.type].fullmatch(raw):
                return self._adapter.validate_json(raw)
            reason = f"Input should be a valid {self.type}"
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
        raise BadParameter(f"{self.name}={raw!r}: {reason}", self.expects())

    def expects(self) -> str:
        """Say what the parameter takes, for people."""
        takes = " or ".join(map(_sent, self.choices)) or NOUNS[self.type]
        low, high = self._schema.get("minimum"), self._schema.get("maximum")
        if low is not None and high is not None:
            takes += f" from {low} to {high}"
        elif low is not None or high is not None:
            takes += f" of at most {high}" if low is None else f" of at least {low}"
        if self.unit:
            takes += f" {self.unit}"
        return f"{self.name} takes {takes}; its default is {_sent(self._shown) or 'empty'}."


def parameters_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Read a signature. Raises WorkloadError, with a line for each parameter that is wrong."""
    called, here = repr(function.__name__), place(function)
    found, problems = {}, []
    try:
        signature = inspect.signature(function)
    except NameError as error:  # from Python 3.14 on, annotations are evaluated here
        raise WorkloadError(f"{here}: the signature of {called} {_reason(error)}") from None
    for name, one in signature.parameters.items():
        try:
            found[name] = Parameter(one, _resolved(one.annotation, function))
        except Exception as error:  # noqa: BLE001 - annotations are code, and metadata is too
            problems.append(f"{here}: parameter {name!r} of {called} {_reason(error)}")
    try:
        _resolved(signature.return_annotation, function)
    except Exception as error:  # noqa: BLE001 - likewise
        problems.append(f"{here}: the result of {called} {_reason(error)}")
    if problems:
        raise WorkloadError("\n".join(problems))
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, WorkloadError):
        return str(error)
    return f"has no usable type: {type(error).__name__}: {error}".partition("\n")[0]


def _resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    """Evaluate an annotation that is a string, and see through `type` statements."""
    holder = SimpleNamespace(__annotations__={"it": annotation})
    names = inspect.unwrap(function).__globals__
    found = get_type_hints(holder, names, include_extras=True)["it"]
    return getattr(found, "__value__", found)


def _choices(asked: Any) -> list[Any]:
    if isinstance(asked, EnumType):
        members: Iterable[Enum] = asked
        return [member.value for member in members]
    return list(get_args(asked)) if get_origin(asked) is Literal else []


def _type(asked: Any, choices: list[Any]) -> str:
    """Name the type of all choices, or of what has none, as JSON schema does."""
    kinds = {type(choice) for choice in choices} or {asked}
    if len(kinds) == 1 and (name := NAMES.get(kinds.pop())):
        return name
    raise WorkloadError(
        f"has a type that no query can carry ({inspect.formatannotation(asked)}); "
        "use int, float, bool, str, Payload, or a Literal or an Enum of one of them"
    )


def _flat(note: Any) -> list[Any]:
    """Take apart grouped metadata such as Interval."""
    if isinstance(note, GroupedMetadata):
        return [part for inner in note for part in _flat(inner)]
    return [note]


def _sent(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
