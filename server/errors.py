"""The error tree, and the one place that turns it into HTTP.

    ServerError                     status, type, message, hint
    ├── Forbidden           403     a page of another site asks, or another host is named
    ├── NotFound            404     no such path, workload or model
    ├── NotAllowed          405     the path exists, the method does not
    ├── BadRequest          400     a repeated or unknown parameter, a body on GET
    ├── BadParameter        422     a value out of bounds or of the wrong type
    ├── ExpectationFailed   417     the header Expect asks for what nobody can give
    ├── CannotRun           501     a cell that cannot exist here, with the reason
    ├── Refused             503     the queue is full, the server drains, or lacks a thread
    ├── Expired             504     past the deadline
    └── WorkFailed          500     the work raised, or its worker died

Answers are returned instead of raised to aiohttp: raising its exceptions halves the rate, and keeps
request bodies alive until the next garbage collection.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from math import ceil
from typing import ClassVar

from aiohttp import web

log = logging.getLogger("loadbearing")
# Browsers do not guess that an error is a page.
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
}
_quoted = json.JSONEncoder(ensure_ascii=False).encode


class ServerError(Exception):
    status: ClassVar[int] = 500
    headers: Mapping[str, str] = {}

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def response(self) -> web.Response:
        # Written by hand: json's indentation would double the cost of refusing thousands.
        parts = {"type": type(self).__name__, "message": str(self), "hint": self.hint}
        lines = ",\n".join(f'    "{name}": {_quoted(part)}' for name, part in parts.items())
        return web.Response(
            body=f'{{\n  "error": {{\n{lines}\n  }}\n}}\n'.encode(errors="backslashreplace"),
            status=self.status,
            headers={**HEADERS, **self.headers},
        )


class CannotStart(RuntimeError):
    """The server cannot start; the message says why, and what to do."""


class Forbidden(ServerError):
    status = 403


class NotFound(ServerError):
    status = 404


class NotAllowed(ServerError):
    status = 405

    def __init__(self, method: str, path: str, *allowed: str) -> None:
        super().__init__(f"{path} does not accept {method}", f"Use {' or '.join(allowed)}.")
        self.allowed = allowed

    def response(self) -> web.Response:
        response = super().response()
        response.headers["Allow"] = ", ".join(self.allowed)
        return response


class BadRequest(ServerError):
    status = 400


class BadParameter(ServerError):
    status = 422


class ExpectationFailed(ServerError):
    status = 417


class CannotRun(ServerError):
    status = 501


class Refused(ServerError):
    """Says in how many whole seconds to retry: when all that is under way will be done."""

    status = 503
    headers: Mapping[str, str] = {"Retry-After": "1"}

    def __init__(self, message: str, hint: str = "", busy_s: float = 0.0) -> None:
        super().__init__(message, hint)
        self.headers = {"Retry-After": str(max(1, ceil(busy_s)))}


class Expired(ServerError):
    status = 504


class WorkFailed(ServerError):
    status = 500


def closest(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that is closest, or nothing where none is close."""
    close = get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def did_you_mean(word: str, known: Iterable[str], others: Iterable[str] = ()) -> str:
    """Suggest the closest of the known words and the others, or list all known ones."""
    names = sorted(known)
    return closest(word, [*names, *others]) or f"There are: {', '.join(names)}."
