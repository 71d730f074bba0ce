"""Try cells before they are measured: whether they can run, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from loadtests.errors import ServiceError, Untrustworthy
from loadtests.foreign import line
from loadtests.load.http import ConnectionPool
from loadtests.load.request import HEALTH, RequestSpec, outcomes_of
from loadtests.service.contract import Discovery, discover, path_of

WARM_UP = 5  # requests before a cell is measured: imports, caches, and whether it works at all
QUOTED = 120  # characters of a wrong answer
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


class Prepared(NamedTuple):
    """What is sent to a service for a cell, and beside it; both were answered as they should be.

    `outside` is a service that reports nothing of itself.
    """

    request: RequestSpec
    bystander: RequestSpec | None = HEALTH
    insecure: bool = False
    outside: bool = False


def prepared(
    url: str, cell: tuple[str, str], discovery: Discovery, parameters: Mapping[str, str] | None
) -> Prepared:
    """Try a cell a few times. Raises Untrustworthy if it does not answer as it should."""
    workload, model = cell
    given = discovery.workloads[workload].get("request")
    if given is None:
        return Prepared(warmed_up(url, path_of(workload, model, parameters)))
    spec, beside = RequestSpec.load(given), discovery.runtime.get("bystander")
    insecure = bool(discovery.runtime.get("insecure"))
    with closing(ConnectionPool(url, insecure=insecure)) as connections:
        for _ in range(WARM_UP):
            if wrong := wrong_answer(connections, spec):
                raise Untrustworthy(wrong[1])
    return Prepared(spec, RequestSpec.load(beside) if beside else None, insecure, outside=True)


def wrong_answer(connections: ConnectionPool, spec: RequestSpec) -> tuple[int, str] | None:
    """Send a request once; returns status and words, unless the answer is right.

    Raises OSError if there is none.
    """
    status, body = connections.send(spec)
    if outcomes_of(spec)(status, body) == "ok":
        return None
    says = f"it answers {spec.method} {spec.target} with {status}"
    wanted = range(200, 300) if spec.status is None else (spec.status,)
    if status in wanted:
        return status, f"{says}, without {spec.text!r}"
    begin = line(body.decode(errors="replace"))[:QUOTED].strip()
    return status, f"{says} ({begin})" if begin else says


def problem(path: str, status: int, body: bytes) -> str:
    """Quote the service's reason for giving no result."""
    try:
        message = line(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = "no reason was given"
    return f"GET {path} answers {status}: {message}"
