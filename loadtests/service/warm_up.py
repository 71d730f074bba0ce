"""Try cells before they are measured: whether they can run, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

from loadtests.errors import ServiceError, Untrustworthy
from loadtests.foreign import line
from loadtests.load.http import ConnectionPool
from loadtests.load.request import RequestSpec
from loadtests.service.contract import Discovery, discover, path_of

WARM_UP = 5  # requests before a cell is measured: imports, caches, and whether it works at all
TOO_LATE = {503, 504}
REJECTED = {400, 422}  # the statuses for wrong parameters


def check_cells(
    url: str, cells: Sequence[tuple[str, str]], parameters: Mapping[str, Mapping[str, str]]
) -> Discovery:
    """Discover a service. Raises ServiceError for a cell that cannot run there."""
    offered = discover(url)
    offered.check(cells, parameters)
    for cell in cells:
        if why := offered.unavailable(*cell):
            raise ServiceError(f"{'/'.join(cell)} cannot run at {url}: {why}")
    return offered


def try_parameters(
    parameters: Mapping[str, Mapping[str, str]], offered: Discovery, url: str
) -> None:
    """Raise ServiceError for parameter values that the service rejects, before measuring."""
    with closing(ConnectionPool(url)) as connections, suppress(OSError):  # its cell will report it
        for workload, values in parameters.items():
            for model in offered.workloads[workload]["models"][:1]:
                path = path_of(workload, model, values)
                status, body = connections.get(path)
                if status in REJECTED:
                    raise ServiceError(problem(path, status, body))


def warmed_up(url: str, path: str) -> RequestSpec:
    """Try a cell a few times, and return its request, with a text that right answers contain.

    Raises Untrustworthy if it does not answer with 200.
    """
    connections = ConnectionPool(url)
    bodies = []
    for attempt in range(WARM_UP):
        status, body = connections.get(path)
        if status in TOO_LATE and attempt == 0:  # what the work needs may start with its first call
            continue
        if status != 200:
            raise Untrustworthy(problem(path, status, body))
        bodies.append(body)
    connections.close()
    results = {body[body.find(b'"result"') : body.find(b'"worker"')] for body in bodies}
    text = results.pop().decode() if len(results) == 1 else '"result"'
    return RequestSpec(path, target=path, status=200, text=text)


def problem(path: str, status: int, body: bytes) -> str:
    """Quote the service's reason for giving no result."""
    try:
        message = line(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = "no reason was given"
    return f"GET {path} answers {status}: {message}"
