"""Follow redirects once, before a load: under load, each would be a request of its own."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from loadtests.errors import ServiceError
from loadtests.foreign import line
from loadtests.load.drawn import DRAWN
from loadtests.load.http import Connection, ConnectionPool, Reply
from loadtests.load.request import RequestSpec

MOST = 5  # redirects: more are a loop
FOLLOWED = {301, 302, 303, 307, 308}
SAFE = {"GET", "HEAD"}  # may be sent elsewhere after any redirect
SAME = {307, 308}  # which are also meant for the other methods
PORTS = {"http": 80, "https": 443}


class Resolved(NamedTuple):
    """A request that is not redirected, and a note on how it was found."""

    request: RequestSpec
    note: str


class _Located(Connection):
    """Notes where a redirect leads to."""

    location = ""

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(pool)
        self._name = self._value = ""

    def _on_header_field(self, name: str) -> None:
        if self._value:
            self._name = self._value = ""
        self._name += name

    def _on_header_value(self, value: str) -> None:
        self._value += value
        if self._name.lower() == "location":
            self.location = self._value


def resolved(connections: ConnectionPool, request: RequestSpec) -> Resolved:
    """Follow the redirects of a request within its service, unless it expects one.

    Raises ServiceError for a redirect that cannot be followed, OSError without an answer.
    """
    first, targets = request, [request.target]
    while True:
        filled, reply, location = _asked_once(connections, request)
        if reply.status not in FOLLOWED or reply.status == request.status or not location:
            note = f"{first.target} redirects to {targets[-1]}" if len(targets) > 1 else ""
            return Resolved(request, note)
        if len(targets) > MOST:
            raise ServiceError(f"{first.target} redirects more than {MOST} times: {line(location)}")
        if request.method not in SAFE and reply.status not in SAME:
            raise ServiceError(
                f"{request.method} {request.target} answers {reply.status} and redirects to "
                f"{line(location)}; expect that (--expect {reply.status}), or request the other"
            )
        request = replace(request, target=_target(connections.url, request, filled, location))
        targets.append(request.target)


def _asked_once(connections: ConnectionPool, request: RequestSpec) -> tuple[str, Reply, str]:
    """Send it once, with values of the first draw; returns its path and query, and the answer."""
    sent = next(connections.template(request).requests(Random(0)))  # noqa: S311 - no secret
    connection = _Located(connections)
    try:
        reply = connections.reply(sent, connection.ask)
    finally:
        connection.close()
    return sent.split(b" ", 2)[1].decode(), reply, connection.location


def _target(url: str, request: RequestSpec, filled: str, location: str) -> str:
    """Return where a redirect leads to, with the gaps for drawn values where they were."""
    service = urlsplit(url)
    base = service.path.rstrip("/")
    try:
        at = urlsplit(urljoin(urljoin(url, filled), location))
        same = _origin(at) == _origin(service)
    except ValueError:
        raise ServiceError(
            f"{request.target} redirects to {line(location)}, which is not a URL"
        ) from None
    if not same or not f"{at.path}/".startswith(f"{base}/"):
        raise ServiceError(
            f"{request.target} redirects to {line(at.geturl())}, which is not below "
            f"{url}: measure that address instead"
        )
    path, query = at.path.removeprefix(base) or "/", at.query
    if DRAWN.search(request.target):
        before = urlsplit(filled)
        old = before.path.removeprefix(base).rstrip("/")
        path_text, _, query_text = request.target.partition("?")
        if old not in path or before.query != query:
            raise ServiceError(
                f"{request.target} redirects to {line(location)}, and where its values go there "
                "cannot be seen: request that path itself"
            )
        path, query = path.replace(old, path_text.rstrip("/"), 1), query_text
    return f"{path}?{query}" if query else path


def _origin(parts: Any) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
