"""The parameters of a workload: described, and read from the query of a request.

A query is text; a parameter takes exactly what its JSON schema allows: numbers and booleans as JSON
writes them, strings as they are.
"""

from __future__ import annotations

import inspect
import json
import pickle
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, EnumType
from functools import lru_cache
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlencode

from annotated_types import DocInfo, Ge, GroupedMetadata, Le, Unit
from pydantic import ConfigDict, TypeAdapter, ValidationError

from server.errors import BadParameter, BadRequest, did_you_mean
from server.worker.outcomes import raised
from server.workloads import Payload, Vary
from server.workloads.registry import WorkloadError, place

NAMES: dict[Any, str] = {int: "integer", float: "number", bool: "boolean", str: "string"}
WRITTEN = {
    "integer": re.compile(r"-?(0|[1-9][0-9]*)"),
    "number": re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
SURROGATE = re.compile("[\ud800-\udfff]")
LONE = "a lone surrogate, which no answer can contain; remove it"
MOST_KIB = 65_536  # of a payload that has no bounds of its own
STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
DRAWN = "each request draws a value"
NOUNS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a string",
}


class Parameter:
    """One parameter: its type, choices, default, bounds, unit and documentation.

    Raises WorkloadError, without its name, if no query could give it.
    """

    def __init__(self, parameter: inspect.Parameter, annotation: Any) -> None:
        if parameter.kind not in NAMED:
            raise WorkloadError("cannot be given by name; write it without *, ** and /")
        if annotation is parameter.empty:
            raise WorkloadError(
                f"has no type; write {parameter.name}: Annotated[int, Interval(ge=1, le=100)] = 10"
            )
        plain, *notes = (
            get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
        )
        self.varies = next((note for note in notes if isinstance(note, Vary)), None)
        self.name = parameter.name
        self.payload = plain is Payload
        kind: Any = int if self.payload else plain
        self.choices = _choices(kind)
        self.type = _type(kind, self.choices)
        self._adapter = _adapter(kind, notes)
        self._schema = self._adapter.json_schema()
        if self.payload and (bounds := _bounds(self._schema)):
            self._adapter = _adapter(kind, [*notes, *bounds])
            self._schema = self._adapter.json_schema()
        self._schema.pop("title", None)
        self.unit, self.doc = None, self._schema.get("description", "")
        for note in [part for group in notes for part in _flat(group)]:
            match note:
                case Unit(unit=unit):
                    self.unit = unit
                case DocInfo(documentation=text):
                    self.doc = text
        self.default = self._default(parameter)
        self.example = self._adapter.dump_python(self.default, mode="json")
        if SURROGATE.search(json.dumps([self.describe(), self._schema], ensure_ascii=False)):
            raise WorkloadError(f"contains {LONE}")

    def _default(self, parameter: inspect.Parameter) -> Any:
        """Validate the default as any other value; for a payload it is its size in KiB.

        A parameter that varies needs none: then its first value is the example.
        """
        drawn = [
            self._checked(value, "draw") for value in (self.varies.limits() if self.varies else ())
        ]
        default = parameter.default
        if default is parameter.empty:
            if not drawn:
                raise WorkloadError(
                    "has no default, which a request without a query needs; give it a small one"
                )
            return drawn[0]
        if self.payload:
            if not isinstance(default, Payload) or len(default) % 1024:
                raise WorkloadError("has a default that is not a Payload; write Payload.of(64)")
            default = len(default) // 1024
        return self._checked(default, "default")

    def _checked(self, value: Any, what: str) -> Any:
        """Validate a value that the workload itself gives."""
        try:
            checked = self._adapter.validate_python(value, strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise WorkloadError(f"would reject its own {what} {value!r}: {reason}") from None
        try:
            pickle.dumps(checked)
        except Exception as error:  # noqa: BLE001 - pickling may run any code
            raise WorkloadError(
                f"has a {what} that cannot be sent to a worker process; define its class at the "
                f"top of the module, under the name that it has ({error})"
            ) from None
        return checked

    def describe(self) -> dict[str, Any]:
        described = {
            "type": self.type,
            "default": self.example,
            "minimum": self._schema.get("minimum"),
            "maximum": self._schema.get("maximum"),
            "unit": self.unit,
            "doc": self.doc,
        }
        if self.choices:
            described["choices"] = self.choices
        if self.varies:
            described["varies"] = self._varies()
        return described

    def _varies(self) -> dict[str, Any]:
        """Describe what is drawn, as a query gives it."""
        assert self.varies
        drawn = self.varies.describe()
        if "values" in drawn:
            drawn["values"] = [self._adapter.dump_python(v, mode="json") for v in drawn["values"]]
        return drawn

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the parameter, for OpenAPI."""
        unit = self.unit and f"Unit: {self.unit}."
        drawn = f"Without it, {DRAWN}." if self.varies else ""
        text = " ".join(filter(None, (self.doc, unit, drawn)))
        schema = {**self._schema, "default": self.example}
        if self.varies:
            del schema["default"]
            schema |= {"examples": [self.example], "x-varies": self._varies()}
        return {**schema, "description": text} if text else schema

    def query(self) -> str:
        """Write the default as a query, as an example for people."""
        return urlencode({self.name: _sent(self.example)})

    def read(self, raw: str) -> Any:
        """Validate one value. Raises BadParameter, which names the bounds and the value."""
        try:
            if self.type == "string":
                return self._adapter.validate_python(raw)
            if WRITTEN[self.type].fullmatch(raw):
                return self._adapter.validate_json(raw)
            reason = f"Input should be a valid {self.type}"
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
        except BaseException as error:  # noqa: BLE001 - a validator is code of the user
            reason = f"its validator raised {': '.join(raised(error))}"
        raise BadParameter(f"{self.name}={raw!r}: {reason}", self.expects())

    def expects(self) -> str:
        """Describe what the parameter takes, for people."""
        takes = " or ".join(map(_sent, self.choices)) or NOUNS[self.type]
        low, high = self._schema.get("minimum"), self._schema.get("maximum")
        if low is not None and high is not None:
            takes += f" from {low} to {high}"
        elif low is not None or high is not None:
            takes += f" of at most {high}" if low is None else f" of at least {low}"
        if self.unit:
            takes += f" {self.unit}"
        if self.varies:
            return f"{self.name} takes {takes}; without it, {DRAWN}."
        return f"{self.name} takes {takes}; its default is {_sent(self.example) or 'empty'}."


def _adapter(kind: Any, notes: Iterable[Any]) -> TypeAdapter[Any]:
    form: Any = Annotated[kind, *notes] if notes else kind
    return TypeAdapter(form, config=ConfigDict(allow_inf_nan=False))


def _bounds(schema: Mapping[str, Any]) -> list[Any]:
    """Add what a payload's bounds lack: the server makes the bytes that a request asks for."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1))
    most = schema.keys() & {"maximum", "exclusiveMaximum"}
    return [*([] if low >= 0 else [Ge(0)]), *([] if most else [Le(MOST_KIB)])]


def parameters_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Read a signature. Raises WorkloadError, with a line for each problem."""
    called, here = repr(function.__name__), place(function)
    parameters, problems = {}, []
    try:
        signature = inspect.signature(function)
    except Exception as error:  # noqa: BLE001 - since Python 3.14, annotations are evaluated here
        raise WorkloadError(f"{here}: the signature of {called} {_reason(error)}") from None
    for name, declared in signature.parameters.items():
        try:
            parameters[name] = Parameter(declared, _resolved(declared.annotation, function))
        except Exception as error:  # noqa: BLE001 - annotations are code, and metadata is too
            problems.append(f"{here}: parameter {name!r} of {called} {_reason(error)}")
    try:
        _resolved(signature.return_annotation, function)
    except Exception as error:  # noqa: BLE001 - likewise
        problems.append(f"{here}: the result of {called} {_reason(error)}")
    if problems:
        raise WorkloadError("\n".join(problems))
    return parameters


def _reason(error: Exception) -> str:
    if isinstance(error, WorkloadError):
        return str(error)
    return f"has no usable type: {': '.join(raised(error))}".partition("\n")[0]


def _resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    """Evaluate an annotation that is a string, and see through `type` statements."""
    holder = SimpleNamespace(__annotations__={"it": annotation})
    names = inspect.unwrap(function).__globals__
    kind = get_type_hints(holder, names, include_extras=True)["it"]
    return getattr(kind, "__value__", kind)


def _choices(kind: Any) -> list[Any]:
    if isinstance(kind, EnumType):
        members: Iterable[Enum] = kind
        return [member.value for member in members]
    return list(get_args(kind)) if get_origin(kind) is Literal else []


def _type(kind: Any, choices: list[Any]) -> str:
    """Name the type of the choices, or the type itself, as JSON schema does."""
    kinds = {type(choice) for choice in choices} or {kind}
    if len(kinds) == 1 and (name := NAMES.get(kinds.pop())):
        return name
    raise WorkloadError(
        f"has a type that no query can give ({inspect.formatannotation(kind)}); "
        "use int, float, bool, str, Payload, or a Literal or an Enum of one of them"
    )


def _flat(note: Any) -> list[Any]:
    """Take apart grouped metadata, e.g. Interval."""
    if isinstance(note, GroupedMetadata):
        return [part for inner in note for part in _flat(inner)]
    return [note]


def _sent(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Parameters:
    """All parameters of one workload.

    Raises WorkloadError, with a line for each problem.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.all: Mapping[str, Parameter] = parameters_of(function)
        self._payloads = [name for name, parameter in self.all.items() if parameter.payload]
        self._drawn = {name: known.varies for name, known in self.all.items() if known.varies}
        self._plain = not (self._payloads or self._drawn)
        self._read = lru_cache(1024)(self._parse)

    def describe(self) -> dict[str, dict[str, Any]]:
        return {name: parameter.describe() for name, parameter in self.all.items()}

    def read(self, query: str) -> Mapping[str, Any]:
        """Turn a raw query string into arguments. Raises BadRequest or BadParameter."""
        values = self._read(query)
        if self._plain:
            return values
        drawn = {name: vary.draw() for name, vary in self._drawn.items() if name not in values}
        values = {**values, **drawn}
        return {**values, **{name: _payload(values[name]) for name in self._payloads}}

    def _parse(self, query: str) -> dict[str, Any]:
        values = {name: known.default for name, known in self.all.items() if not known.varies}
        given: set[str] = set()
        for name, raw in _pairs(query):
            if name not in self.all:
                takes = did_you_mean(name, self.all) if self.all else "It takes no parameters."
                raise BadRequest(f"unknown parameter {name!r}", takes)
            if name in given:
                raise BadRequest(f"parameter {name!r} was given twice", "Give each parameter once.")
            given.add(name)
            values[name] = self.all[name].read(raw)
        return values


def _pairs(query: str) -> list[tuple[str, str]]:
    """Split a query. Raises BadRequest for what cannot be parsed without guessing."""
    try:
        query.encode()
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
        reason = "a % without two hexadecimal digits" if STRAY_PERCENT.search(query) else None
    except ValueError as error:  # also bytes that are not UTF-8
        reason = str(error)
    if reason:
        hint = "Write ?name=value&name=value, percent-encoded as UTF-8."
        raise BadRequest(f"the query {query!r} cannot be parsed: {reason}", hint)
    return pairs


@lru_cache(2)
def _payload(kib: int) -> Payload:
    """Make a payload, and keep the latest ones: only their transport should be measured."""
    return Payload.of(kib)
