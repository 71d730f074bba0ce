"""Prove the cause of a failure: change what was blamed, and measure both ways in turns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from typing import Any

from loadtests.capacity.demands import Limit
from loadtests.cause.remedy import DiagnosedCell, Remedy, Unproven, judge
from loadtests.cause.rules import remedy
from loadtests.cell import Cell
from loadtests.errors import ServiceError, StartError, Untrustworthy
from loadtests.run.file.lines import Line, decode
from loadtests.run.survival.contest import Contest
from loadtests.run.survival.row import Row, Tell, Tools
from loadtests.service.contract import discover
from loadtests.service.launcher import Launcher
from loadtests.trial.evidence import Evidence

POOLS = ("threads", "processes")  # which would follow the number of cores


def prove(tools: Tools, services: Launcher, cell: Cell, result: Line, tell: Tell) -> dict[str, Any]:
    """Return the outcome of a proof; `tell` is given its trials.

    `result` is the line of a cell whose failure has a cause.
    """
    if services.host:
        return {"reason": "a running service cannot be started with something changed"}
    chosen = remedy(result["blamed"], _diagnosed(tools, cell, result))
    if isinstance(chosen, Unproven):
        return {"reason": chosen.reason}
    if chosen.cores and not hasattr(os, "sched_setaffinity"):
        return {"reason": "this system cannot take cores from a process"}
    if chosen.cores:
        sizes = {pool: str(size) for pool in POOLS if (size := result["settings"].get(pool))}
        chosen = replace(chosen, axes={**sizes, **chosen.axes})
    try:
        measured = _measured(tools, services, cell, chosen, tell)
    except (Untrustworthy, StartError, ServiceError, OSError) as error:
        why = " ".join(str(error).split())
        return {"reason": f"with {chosen.change}: {why}", "change": chosen.change}
    return {**asdict(chosen), **asdict(judge(chosen, measured))}


def _diagnosed(tools: Tools, cell: Cell, result: Line) -> DiagnosedCell:
    settings = result.get("settings") or {}
    parameters = tools.options.parameters.get(cell.workload, {})
    return DiagnosedCell(
        evidence=decode(Evidence, result["evidence"]),
        limits=[Limit(*limit) for limit in (result.get("limits") or {}).items()],
        settings=settings,
        model=cell.model,
        parameters={**(settings.get("defaults") or {}), **parameters},
        options=settings.get("options") or {},
        sized_by=settings.get("sized_by"),
    )


def _measured(
    tools: Tools, services: Launcher, cell: Cell, chosen: Remedy, tell: Tell
) -> tuple[float, float]:
    """Measure the cell as it is and with the change alone, in rounds.

    Returns the interval of the ratio. Raises Untrustworthy where it is not known.
    """

    def tell_trial(kind: str, line: Mapping[str, Any]) -> None:
        if kind == "trial":
            tell("proof-trial", line)

    options = tools.options
    given = dict(options.parameters)
    given[cell.workload] = {**given.get(cell.workload, {}), **chosen.parameters}
    changed = replace(tools, options=replace(options, parameters=given))
    with ExitStack() as opened:
        rows = {}
        for with_change in (False, True):
            axes, cores = (chosen.axes, chosen.cores) if with_change else ({}, None)
            started = services.start(cell.model, cell.python, axes=axes, cores=cores)
            service = opened.enter_context(started)
            row = Row(
                changed if with_change else tools,
                cell,
                service,
                discover(service.url),
                tell_trial,
                again=with_change,
            )
            rows[row.name] = opened.enter_context(closing(row))
        contest = Contest(tools, rows)
        contest.play(lambda: True, lambda: None)
        before, after = rows
        rounds = contest.rounds
        if after in rounds.limits:
            known = rounds.estimates.rows.get(before)
            if known is None:
                raise Untrustworthy("the generator was the limit")
            return rounds.limits[after] / known.capacity.high, float("inf")
        if not {before, after} <= rounds.estimates.rows.keys():
            why = next((row.flaw for row in rows.values() if row.flaw), "too few valid trials")
            raise Untrustworthy(why)
        ratio = rounds.estimates.ratio(after, before)
        return ratio.low, ratio.high
