"""Try a cell a few times before it is measured: whether it works, and what its answers are."""

from __future__ import annotations

import json

from loadtests.errors import Untrustworthy
from loadtests.load.http import ConnectionPool

WARM_UP = 5  # requests before a cell is measured: imports, caches, and whether it works at all


def expected_answer(url: str, path: str) -> bytes:
    """Try a cell a few times, and learn which bytes tell a right answer of it.

    Raises Untrustworthy when it does not answer so.
    """
    connections = ConnectionPool(url)
    bodies = []
    for _ in range(WARM_UP):
        status, body = connections.get(path)
        if status != 200:
            raise Untrustworthy(problem(path, status, body))
        bodies.append(body)
    connections.close()
    results = {body[body.find(b'"result"') : body.find(b'"worker"')] for body in bodies}
    return results.pop() if len(results) == 1 else b'"result"'


def problem(path: str, status: int, body: bytes) -> str:
    """Say in the service's own words why there is no result."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = "no reason was given"
    return f"GET {path} answers {status}: {message}"
