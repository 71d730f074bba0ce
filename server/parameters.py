"""A workload's parameters: read from its signature once, then described and validated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from annotated_types import DocInfo, Ge, GroupedMetadata, Le, Unit
from pydantic import ConfigDict, TypeAdapter, ValidationError

from server.errors import BadParameter, BadRequest, did_you_mean
from server.workloads import Payload

NAMES = {int: "integer", float: "number", bool: "boolean", str: "string", Payload: "integer"}


class Parameter:
    """One parameter: its type, default, bounds, unit and documentation."""

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        plain, *notes = (
            get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
        )
        self.name = name
        self.type = plain
        self.default = len(default) // 1024 if plain is Payload else default
        self.minimum = self.maximum = self.unit = None
        self.doc = ""
        for note in [part for one in notes for part in _flat(one)]:
            match note:
                case Ge(ge=bound):
                    self.minimum = bound
                case Le(le=bound):
                    self.maximum = bound
                case Unit(unit=unit):
                    self.unit = unit
                case DocInfo(documentation=text):
                    self.doc = text
        asked: Any = int if plain is Payload else plain
        form: Any = Annotated[asked, *notes] if notes else asked
        self._adapter = TypeAdapter[Any](form, config=ConfigDict(allow_inf_nan=False))

    def describe(self) -> dict[str, Any]:
        return {
            "type": NAMES.get(self.type, self.type.__name__),
            "default": None if self.default is inspect.Parameter.empty else self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "unit": self.unit,
            "doc": self.doc,
        }

    def read(self, raw: str) -> Any:
        """Validate one value. Raises BadParameter naming the bounds and what came."""
        try:
            return self._adapter.validate_python(raw)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise BadParameter(f"{self.name}={raw!r}: {reason}", self.expects()) from None

    def expects(self) -> str:
        """Say what the parameter takes, for people."""
        text = f"{self.name} takes {_article(NAMES.get(self.type, self.type.__name__))}"
        if self.minimum is not None and self.maximum is not None:
            text += f" from {self.minimum} to {self.maximum}"
        if self.unit:
            text += f" {self.unit}"
        return f"{text}; its default is {self.default}."


class Parameters:
    """All parameters of one workload."""

    def __init__(self, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function, include_extras=True)
        self.all = {
            name: Parameter(name, hints[name], parameter.default)
            for name, parameter in inspect.signature(function).parameters.items()
        }
        self._payloads = [name for name, one in self.all.items() if one.type is Payload]
        self._read = lru_cache(1024)(self._parse)

    def describe(self) -> dict[str, dict[str, Any]]:
        return {name: one.describe() for name, one in self.all.items()}

    def read(self, query: str) -> Mapping[str, Any]:
        """Turn a raw query string into arguments. Raises BadRequest or BadParameter."""
        values = self._read(query)
        if not self._payloads:
            return values
        payloads = {name: _payload(values[name]) for name in self._payloads}
        return {**values, **payloads}

    def _parse(self, query: str) -> dict[str, Any]:
        values = {name: one.default for name, one in self.all.items()}
        seen: set[str] = set()
        for name, raw in parse_qsl(query, keep_blank_values=True):
            if name not in self.all:
                takes = did_you_mean(name, self.all) if self.all else "It takes no parameters."
                raise BadRequest(f"there is no parameter {name!r}", takes)
            if name in seen:
                raise BadRequest(f"parameter {name!r} came twice", "Give each parameter once.")
            seen.add(name)
            values[name] = self.all[name].read(raw)
        return values


def _flat(note: Any) -> list[Any]:
    """Take apart grouped metadata such as Interval."""
    if isinstance(note, GroupedMetadata):
        return [part for inner in note for part in _flat(inner)]
    return [note]


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


@lru_cache(2)
def _payload(kib: int) -> Payload:
    """Make a payload, and keep the last ones: only carrying them is to be measured."""
    return Payload.of(kib)
