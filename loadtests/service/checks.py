"""Whether a service can do what a load test asks of it, told before anything is offered."""

from __future__ import annotations

from loadtests.run.options import Options
from loadtests.service.contract import Discovery, TargetError, discover


def check_cells(url: str, options: Options) -> Discovery:
    """Ask a service what it has. Raises TargetError for a cell that cannot run there."""
    if not options.workloads or not options.models:
        raise TargetError("choose a workload and a model at least")
    cells = [(workload, model) for workload in options.workloads for model in options.models]
    found = discover(url)
    found.check(cells, options.parameters)
    for cell in cells:
        if why := found.unavailable(*cell):
            raise TargetError(f"{'/'.join(cell)} cannot run at {url}: {why}")
    return found
