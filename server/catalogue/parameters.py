"""All parameters of a workload: from the query of a request to the arguments of a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from server.catalogue.parameter import Parameter, parameters_of
from server.errors import BadRequest, did_you_mean
from server.workloads import Payload

__all__ = ["Parameter", "Parameters"]

STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Parameters:
    """All parameters of one workload.

    Raises WorkloadError, with a line for each problem.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.all: Mapping[str, Parameter] = parameters_of(function)
        self._payloads = [name for name, parameter in self.all.items() if parameter.payload]
        self._read = lru_cache(1024)(self._parse)

    def describe(self) -> dict[str, dict[str, Any]]:
        return {name: parameter.describe() for name, parameter in self.all.items()}

    def read(self, query: str) -> Mapping[str, Any]:
        """Turn a raw query string into arguments. Raises BadRequest or BadParameter."""
        values = self._read(query)
        if not self._payloads:
            return values
        payloads = {name: _payload(values[name]) for name in self._payloads}
        return {**values, **payloads}

    def _parse(self, query: str) -> dict[str, Any]:
        values = {name: parameter.default for name, parameter in self.all.items()}
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
