"""Prove the cause of a break: change what was blamed, on a fresh server, and search again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from loadtests.capacity.demands import Limit
from loadtests.capacity.support import supported
from loadtests.cause.remedy import DiagnosedCell, Remedy, Unproven, judge
from loadtests.cause.rules import remedy
from loadtests.cell import Cell
from loadtests.errors import ServiceError, StartError, Untrustworthy
from loadtests.run.file.lines import Line, capacity_of, decode
from loadtests.run.survival.cell import CellSearch, Tell
from loadtests.service.contract import discover
from loadtests.service.launcher import Launcher
from loadtests.slo import Slo
from loadtests.trial.evidence import Evidence

POOLS = ("threads", "processes")  # which would follow the number of cores


def prove(
    search: CellSearch, services: Launcher, cell: Cell, result: Line, tell: Tell
) -> dict[str, Any]:
    """Return the outcome of a proof; `tell` is given its trials.

    `result` is the line of a search of this cell which found a cause.
    """
    if lack := _lack(result, search.tools.options.slo):
        return {"reason": f"it compares capacities, and {lack}"}
    if services.host:
        return {"reason": "a running service cannot be started with something changed"}
    chosen = remedy(result["cause"], _diagnosed(search, cell, result))
    if isinstance(chosen, Unproven):
        return {"reason": chosen.reason}
    if chosen.cores and not hasattr(os, "sched_setaffinity"):
        return {"reason": "this system cannot take cores from a process"}
    if chosen.cores:
        sizes = {pool: str(size) for pool in POOLS if (size := result["settings"].get(pool))}
        chosen = replace(chosen, axes={**sizes, **chosen.axes})
    try:
        after = _again(search, services, cell, chosen, tell)
    except (Untrustworthy, StartError, ServiceError, OSError) as error:
        why = " ".join(str(error).split())
        return {"reason": f"with {chosen.change}: {why}", "change": chosen.change}
    claim = judge(chosen, (result["held"], result["broke"]), after)
    return {**asdict(chosen), "after": list(after), **asdict(claim)}


def _diagnosed(search: CellSearch, cell: Cell, result: Line) -> DiagnosedCell:
    settings = result.get("settings") or {}
    parameters = search.tools.options.parameters.get(cell.workload, {})
    return DiagnosedCell(
        evidence=decode(Evidence, result["evidence"]),
        limits=[Limit(*limit) for limit in (result.get("limits") or {}).items()],
        settings=settings,
        model=cell.model,
        parameters={**(settings.get("defaults") or {}), **parameters},
        options=settings.get("options") or {},
        sized_by=settings.get("sized_by"),
    )


def _again(
    search: CellSearch, services: Launcher, cell: Cell, chosen: Remedy, tell: Tell
) -> tuple[float, float | None]:
    """Search once more with the change alone."""

    def tell_trial(kind: str, line: Mapping[str, Any]) -> None:
        if kind == "trial":
            tell("proof-trial", line)

    options = search.tools.options
    given = dict(options.parameters)
    given[cell.workload] = {**given.get(cell.workload, {}), **chosen.parameters}
    tools = replace(search.tools, options=replace(options, parameters=given))
    with services.start(cell.model, cell.python, axes=chosen.axes, cores=chosen.cores) as service:
        discovery = discover(service.url)
        result = replace(search, tools=tools).measure(cell, service, discovery, tell_trial)
    if lack := _lack(result, options.slo):
        raise Untrustworthy(lack)
    return result["held"], result["broke"]


def _lack(result: Line, slo: Slo) -> str:
    """Which requests a search lacks for its percentile."""
    support = supported(slo, [capacity_of(result)])
    return support.lack if support else ""
