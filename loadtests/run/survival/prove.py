"""Prove the cause of a break: change what was blamed, on a fresh server, and search again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from loadtests.capacity.bounds import Capacity, Tried
from loadtests.capacity.demands import Limit
from loadtests.cause.claim import Remedy, Unproven, judge
from loadtests.cause.diagnosis import Cause
from loadtests.cause.remedy import Case, remedy
from loadtests.run.file.lines import Cell
from loadtests.run.survival.cell import Bearing, Tell
from loadtests.service.contract import TargetError, discover
from loadtests.service.launcher import Services
from loadtests.service.process import SubjectError
from loadtests.service.warm_up import Untrustworthy
from loadtests.slo import Slo
from loadtests.trial.evidence import Evidence, Stages
from loadtests.trial.support import supported

POOLS = ("threads", "processes")  # which would follow the number of cores


def prove(
    bearing: Bearing, services: Services, cell: Cell, said: Mapping[str, Any], tell: Tell
) -> dict[str, Any]:
    """Return what a proof came to; `tell` is given its trials.

    `said` is the line of a search of this cell which found a cause.
    """
    if lack := _lack(said, bearing.tools.options.slo):
        return {"reason": f"it compares capacities, and {lack}"}
    if services.host:
        return {"reason": "a running service cannot be started with something changed"}
    chosen = remedy(_case(bearing, cell, said))
    if isinstance(chosen, Unproven):
        return {"reason": chosen.reason}
    if chosen.cores and not hasattr(os, "sched_setaffinity"):
        return {"reason": "this system cannot take cores from a process"}
    if chosen.cores:
        sizes = {pool: str(size) for pool in POOLS if (size := said["settings"].get(pool))}
        chosen = replace(chosen, axes={**sizes, **chosen.axes})
    try:
        after = _again(bearing, services, cell, chosen, tell)
    except (Untrustworthy, SubjectError, TargetError, OSError) as error:
        why = " ".join(str(error).split())
        return {"reason": f"with {chosen.change}: {why}", "change": chosen.change}
    claim = judge(chosen, (said["held"], said["broke"]), after)
    return {**asdict(chosen), "after": list(after), **asdict(claim)}


def _case(bearing: Bearing, cell: Cell, said: Mapping[str, Any]) -> Case:
    settings = said.get("settings") or {}
    seen = dict(said["evidence"])
    for name in ("typical", "late"):
        seen[name] = Stages(*seen[name]) if seen.get(name) else None
    return Case(
        cause=Cause(**said["cause_evidence"]),
        evidence=Evidence(**seen),
        limits=[Limit(*limit) for limit in (said.get("limits") or {}).items()],
        settings=settings,
        model=cell.model,
        parameters={
            **(settings.get("defaults") or {}),
            **bearing.tools.options.parameters.get(cell.workload, {}),
        },
    )


def _again(
    bearing: Bearing, services: Services, cell: Cell, chosen: Remedy, tell: Tell
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
    tried = tuple(Tried(*one) for one in said.get("tried") or ())
    found = supported(slo, [Capacity(said["held"] or 0.0, said["broke"], trials=tried)])
    return found.lack if found else ""
