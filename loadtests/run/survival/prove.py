"""Prove the cause of a break: change what was blamed, on a fresh server, and search again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from loadtests.capacity.bounds import Capacity, TrialPoint
from loadtests.capacity.demands import Limit
from loadtests.capacity.support import supported
from loadtests.cause.remedy import DiagnosedCell, Remedy, Unproven, judge
from loadtests.cause.rules import remedy
from loadtests.cell import Cell
from loadtests.errors import ServiceError, StartError, Untrustworthy
from loadtests.load.answer import Stages
from loadtests.run.survival.cell import CellSearch, Tell
from loadtests.service.contract import discover
from loadtests.service.launcher import Launcher
from loadtests.slo import Slo
from loadtests.trial.evidence import Evidence

POOLS = ("threads", "processes")  # which would follow the number of cores


def prove(
    bearing: CellSearch, services: Launcher, cell: Cell, said: Mapping[str, Any], tell: Tell
) -> dict[str, Any]:
    """Return what a proof came to; `tell` is given its trials.

    `said` is the line of a search of this cell which found a cause.
    """
    if lack := _lack(said, bearing.tools.options.slo):
        return {"reason": f"it compares capacities, and {lack}"}
    if services.host:
        return {"reason": "a running service cannot be started with something changed"}
    chosen = remedy(said["cause"], _case(bearing, cell, said))
    if isinstance(chosen, Unproven):
        return {"reason": chosen.reason}
    if chosen.cores and not hasattr(os, "sched_setaffinity"):
        return {"reason": "this system cannot take cores from a process"}
    if chosen.cores:
        sizes = {pool: str(size) for pool in POOLS if (size := said["settings"].get(pool))}
        chosen = replace(chosen, axes={**sizes, **chosen.axes})
    try:
        after = _again(bearing, services, cell, chosen, tell)
    except (Untrustworthy, StartError, ServiceError, OSError) as error:
        why = " ".join(str(error).split())
        return {"reason": f"with {chosen.change}: {why}", "change": chosen.change}
    claim = judge(chosen, (said["held"], said["broke"]), after)
    return {**asdict(chosen), "after": list(after), **asdict(claim)}


def _case(bearing: CellSearch, cell: Cell, said: Mapping[str, Any]) -> DiagnosedCell:
    settings = said.get("settings") or {}
    seen = dict(said["evidence"])
    for name in ("typical", "late"):
        seen[name] = Stages(*seen[name]) if seen.get(name) else None
    return DiagnosedCell(
        evidence=Evidence(**seen),
        limits=[Limit(*limit) for limit in (said.get("limits") or {}).items()],
        settings=settings,
        model=cell.model,
        parameters={
            **(settings.get("defaults") or {}),
            **bearing.tools.options.parameters.get(cell.workload, {}),
        },
        options=settings.get("options") or {},
        sized_by=settings.get("sized_by"),
    )


def _again(
    bearing: CellSearch, services: Launcher, cell: Cell, chosen: Remedy, tell: Tell
) -> tuple[float, float | None]:
    """Search once more with the change alone."""

    def told(kind: str, one: Mapping[str, Any]) -> None:
        if kind == "trial":
            tell("proof-trial", one)

    options = bearing.tools.options
    given = dict(options.parameters)
    given[cell.workload] = {**given.get(cell.workload, {}), **chosen.parameters}
    tools = replace(bearing.tools, options=replace(options, parameters=given))
    changed = replace(bearing, tools=tools)
    with services.start(cell.model, cell.python, axes=chosen.axes, cores=chosen.cores) as service:
        again = changed.measure(cell, service, discover(service.url), told)
    if lack := _lack(again, options.slo):
        raise Untrustworthy(lack)
    return again["held"], again["broke"]


def _lack(said: Mapping[str, Any], slo: Slo) -> str:
    """Which requests a search lacks for its percentile."""
    tried = tuple(TrialPoint(*one) for one in said.get("tried") or ())
    found = supported(slo, [Capacity(said["held"] or 0.0, said["broke"], trials=tried)])
    return found.lack if found else ""
