"""Whether a service can do what a load test asks of it, told before anything is offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtests.errors import ServiceError
from loadtests.service.contract import Discovery, discover


def check_cells(
    url: str, cells: Sequence[tuple[str, str]], parameters: Mapping[str, Mapping[str, str]]
) -> Discovery:
    """Ask a service what it has. Raises ServiceError for a cell that cannot run there."""
    if not cells:
        raise ServiceError("choose a workload and a model at least")
    found = discover(url)
    found.check(cells, parameters)
    for cell in cells:
        if why := found.unavailable(*cell):
            raise ServiceError(f"{'/'.join(cell)} cannot run at {url}: {why}")
    return found
