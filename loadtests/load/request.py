"""A request as plain data: what is sent, and what a right answer to it is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from loadtests.load.answer import Outcome

STATUSES: dict[int, Outcome] = {503: "refused", 504: "expired"}  # unless they are expected
LARGEST = 256 << 20  # bytes of an answer: one without an end must not use up the memory
COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # gzip, and zlib


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """One kind of request to a service.

    `target` is a path with its query, below the path of the service's URL. Target, values of
    headers and body may hold `{id:1..5000}` or `{name:/path/of/users.csv}`, whose values are drawn
    for each request. A right answer has the `status` (without one, any 2xx) and contains `text`.
    """

    label: str
    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    status: int | None = None
    text: str = ""

    def header(self, name: str) -> str | None:
        """Return the value of a header, whose name may be in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def dump(self) -> dict[str, Any]:
        """Return what JSON and msgpack can carry."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `dump` returned, whether its tuples have become lists or not."""
        headers = tuple((name, value) for name, value in data["headers"])
        return cls(**{**data, "headers": headers})


HEALTH = RequestSpec("GET /health", target="/health")


def outcomes_of(spec: RequestSpec) -> Callable[[int, bytes], Outcome]:
    """Return what judges an answer by its status and body."""
    text = spec.text.encode()
    low, high = (200, 299) if spec.status is None else (spec.status, spec.status)

    def outcome(status: int, body: bytes) -> Outcome:
        if low <= status <= high:  # this runs for each answer while the load is offered
            return "ok" if text in body or text in decompressed(body) else "wrong"
        return STATUSES.get(status, "failed")

    return outcome


def decompressed(body: bytes) -> bytes:
    """Decompress what gzip or deflate made; nothing for any other body, or one that is broken."""
    if not body.startswith(COMPRESSED):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, LARGEST)
    except zlib.error:
        return b""
