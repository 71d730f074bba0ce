"""Ask a service once a second how much work it holds, while a load runs."""

from __future__ import annotations

import json
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, Self

import gevent

from loadtests.load.http import ConnectionPool

EVERY_S = 1.0


class Gauge(NamedTuple):
    """The requests that a model had queued or ran at one monotonic time."""

    at: float
    held: int


class Gauges:
    """Looks at one model for as long as the block runs; what cannot be read is left out."""

    def __init__(self, url: str, model: str) -> None:
        self._connections = ConnectionPool(url)
        self._model = model
        self._seen: list[Gauge] = []
        self._loop: gevent.Greenlet[..., None] | None = None

    def last(self, until: float) -> Gauge | None:
        """Return the last look before a monotonic time."""
        return max((one for one in self._seen if one.at <= until), default=None)

    def _look(self) -> None:
        while True:
            with suppress(OSError, ValueError, LookupError, TypeError):
                body = self._connections.get("/stats").body
                seen = json.loads(body)["models"][self._model]
                self._seen.append(Gauge(monotonic(), seen["busy"] + seen["queued"]))
            gevent.sleep(EVERY_S)

    def __enter__(self) -> Self:
        self._loop = gevent.spawn(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop:
            self._loop.kill()
        self._connections.close()
