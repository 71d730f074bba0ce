"""Prove the cause of a failure: change what was blamed, and what was not, and measure in turns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from loadtests.capacity.demands import Limit
from loadtests.capacity.rounds import Rounds
from loadtests.cause.claim import Ratios, judge
from loadtests.cause.remedy import DiagnosedCell, Remedy, Unproven, recorded
from loadtests.cause.rules import remedy
from loadtests.cell import Cell
from loadtests.errors import ServiceError, StartError, Untrustworthy
from loadtests.run.file.lines import Line, decode
from loadtests.run.options import Options
from loadtests.run.survival.contest import Contest
from loadtests.run.survival.row import Row, Tell, Tools
from loadtests.service.guest_launcher import AnyLauncher
from loadtests.trial.evidence import Evidence

POOLS = ("threads", "processes")  # which would follow the number of cores
CHANGED, CONTROL = "changed", "control"  # the rows beside the cell as it is


class Variant(NamedTuple):
    """How a row of a proof differs from the cell."""

    axes: Mapping[str, str]
    parameters: Mapping[str, str]
    cores: int | None = None


def remedied(options: Options, cell: Cell, result: Line) -> dict[str, Any]:
    """Return what would help a cell, as its line has it; empty if it has no cause."""
    if not (result.get("blamed") and result.get("evidence")):
        return {}
    diagnosed = _diagnosed(options, cell, result)
    return recorded(remedy(result["blamed"], diagnosed), diagnosed)


def prove(
    tools: Tools, services: AnyLauncher, cell: Cell, result: Line, tell: Tell
) -> dict[str, Any]:
    """Return the outcome of a proof; `tell` is given its trials.

    `result` is the line of a cell whose failure has a cause.
    """
    if services.host:
        return {"reason": "a running service cannot be started with something changed"}
    chosen = remedy(result["blamed"], _diagnosed(tools.options, cell, result))
    change = chosen if isinstance(chosen, Remedy) else None
    if change is None and chosen.control is None:
        return {"reason": chosen.reason} if isinstance(chosen, Unproven) else {}
    if change and change.cores:
        if not hasattr(os, "sched_setaffinity"):
            return {"reason": "this system cannot take cores from a process"}
        sizes = {pool: str(size) for pool in POOLS if (size := result["settings"].get(pool))}
        change = replace(change, axes={**sizes, **change.axes})
    control, planned = chosen.control, {"change": change.change} if change else {}
    variants = {"": Variant({}, {})}
    if change:
        variants[CHANGED] = Variant(change.axes, change.parameters, change.cores)
    if control:
        variants[CONTROL] = Variant(control.axes, {})
    try:
        ratios = _measured(tools, services, cell, variants, tell)
    except (Untrustworthy, StartError, ServiceError, OSError) as error:
        why, first = " ".join(str(error).split()), change or control
        return {"reason": f"with {first.change if first else ''}: {why}", **planned}
    claim = judge(change, ratios.get(CHANGED), control, ratios.get(CONTROL))
    changed = asdict(change) if change else {}
    measured = {**asdict(control), "measured": claim.control} if control else None
    return {**changed, **asdict(claim), "control": measured}


def _diagnosed(options: Options, cell: Cell, result: Line) -> DiagnosedCell:
    settings = result.get("settings") or {}
    parameters = options.parameters.get(cell.workload, {})
    return DiagnosedCell(
        evidence=decode(Evidence, result["evidence"]),
        limits=[Limit(*limit) for limit in (result.get("limits") or {}).items()],
        settings=settings,
        model=cell.model,
        parameters={**(settings.get("defaults") or {}), **parameters},
        options=settings.get("options") or {},
        sized_by=settings.get("sized_by"),
        workload=cell.workload,
        units=settings.get("units") or {},
        capacity=next(iter(result.get("interval") or ()), None),
        numbers=(result.get("cause_evidence") or {}).get("numbers") or {},
    )


def _measured(
    tools: Tools,
    services: AnyLauncher,
    cell: Cell,
    variants: Mapping[str, Variant],
    tell: Tell,
) -> dict[str, Ratios]:
    """Measure variants of a cell in rounds, the first of which is the cell as it is.

    Returns the intervals of the ratios of the others to it. Raises Untrustworthy where one of them
    is not known.
    """

    def tell_trial(kind: str, line: Mapping[str, Any]) -> None:
        if kind == "trial":
            tell("proof-trial", line)

    with ExitStack() as opened:
        rows: dict[str, Row] = {}
        names: dict[str, str] = {}  # of the rows, by the label of their variant
        for label, (axes, parameters, cores) in variants.items():
            started = services.start(cell.model, cell.variant, axes=axes, cores=cores)
            service = opened.enter_context(started)
            row = Row(
                _with(tools, cell.workload, parameters),
                cell,
                service,
                tell_trial,
                again=label,
            )
            rows[row.name] = opened.enter_context(closing(row))
            names[label] = row.name
        contest = Contest(tools, rows)
        contest.play(lambda: True, lambda: None)
        before, *others = names
        try:
            return {label: _ratio(contest.rounds, names[label], names[before]) for label in others}
        except Untrustworthy:
            if flaw := next((row.flaw for row in rows.values() if row.flaw), ""):
                raise Untrustworthy(flaw) from None
            raise


def _with(tools: Tools, workload: str, parameters: Mapping[str, str]) -> Tools:
    if not parameters:
        return tools
    options = tools.options
    given = {**options.parameters.get(workload, {}), **parameters}
    changed = replace(options, parameters={**options.parameters, workload: given})
    return replace(tools, options=changed)


def _ratio(rounds: Rounds, after: str, before: str) -> Ratios:
    """Return the interval of the ratio of two rows; raises Untrustworthy where it is not known."""
    known = rounds.estimates.rows.get(before)
    if after in rounds.limits and known:
        return rounds.limits[after] / known.capacity.high, float("inf")
    if after in rounds.limits or before in rounds.limits:
        raise Untrustworthy("the generator was the limit")
    if not {before, after} <= rounds.estimates.rows.keys():
        raise Untrustworthy("too few valid trials")
    ratio = rounds.estimates.ratio(after, before)
    return ratio.low, ratio.high
