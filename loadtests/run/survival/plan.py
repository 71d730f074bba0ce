"""What a survival run will measure: read from the services, checked, and stored first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from loadtests.cell import Cell
from loadtests.errors import ServiceError
from loadtests.load.source import Source
from loadtests.machine.environment import environment
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import Options, hyphenated
from loadtests.service.contract import Discovery, discover
from loadtests.service.launcher import Launcher
from loadtests.service.warm_up import try_parameters
from loadtests.service.workload_modules import ALL, chosen
from loadtests.wording import unknown

PROBE_S = 1.0
# The share of a closed loop's rate at /health that an open loop can send on schedule (requests of
# a closed loop come in batches), and the most that one Locust process can.
HONEST = 0.15
MOST = 2000.0
CHEAP = "inline,async"  # models that cost a server nothing to start
NOT_STARTED = "not started"  # the service that answers has few models, others have more


def plan(options: Options, services: Launcher, source: Source) -> dict[str, Any]:
    """Ask a service on each Python what it offers, and return the first line of the run.

    Raises ServiceError for what is not there, and StartError where a server does not start.
    """
    discoveries: dict[str, Discovery] = {}
    wanted: list[Cell] = []
    ceiling = 0.0
    for python in services.labels:
        with services.start(CHEAP, python) as (url, _):
            discoveries[python] = discovery = discover(url)
            ceiling = max(ceiling, _ceiling(url, source))
            workloads = chosen(options.workloads, discovery, options.servers.folder)
            models = _models(options, discovery)
            _all_used(options, workloads)
            pairs = [(name, model) for name in workloads for model in models]
            discovery.check(pairs, options.parameters)
            try_parameters(options.parameters, discovery, url)
            check_wishes(options, discovery)
        wanted += [Cell(*pair, python) for pair in pairs]
    check_possible(options, wanted, discoveries, services)
    order = list(dict.fromkeys(cell[:2] for cell in wanted))
    cells = sorted(wanted, key=lambda cell: order.index(cell[:2]))  # Pythons stay side by side
    runtimes = {python: dict(discovery.runtime) for python, discovery in discoveries.items()}
    several = {"servers": runtimes} if any(runtimes) else {}
    absent = [cell for cell in cells if _absent(cell, discoveries[cell.python], services)]
    return {
        "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "environment": {**environment(), "server": next(iter(runtimes.values())), **several},
        "options": replace(options, host=services.host or "", generators=source.processes).record(),
        "constants": asdict(CONSTANTS),
        "generator_ceiling": ceiling,
        "cells": [cell._asdict() for cell in cells],
        "absent": [cell._asdict() for cell in absent],
        "workloads": described(options, discovery, [*dict.fromkeys(name for name, _ in order)]),
        "cannot": broken(discoveries.values()),
    }


def described(
    options: Options, discovery: Discovery, workloads: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return what each workload is, and the values of its parameters with their units."""
    known = {name: discovery.workloads[name] for name in workloads}
    shapes = {name: workload.get("parameters") or {} for name, workload in known.items()}
    return {
        name: {
            "doc": known[name].get("doc"),
            "parameters": {
                **{item: shape.get("default") for item, shape in shapes[name].items()},
                **options.parameters.get(name, {}),
            },
            "units": {
                item: shape["unit"] for item, shape in shapes[name].items() if shape.get("unit")
            },
        }
        for name in workloads
    }


def broken(discoveries: Iterable[Discovery]) -> dict[str, dict[str, str]]:
    """Return the promises that each model does not keep, with the reasons."""
    return {
        name: dict(model["cannot"])
        for discovery in discoveries
        for name, model in discovery.models.items()
        if model.get("cannot")
    }


def _models(options: Options, discovery: Discovery) -> Sequence[str]:
    return list(discovery.models) if ALL in options.models else options.models


def check_wishes(options: Options, discovery: Discovery) -> None:
    """Raise ServiceError for a baseline that is not measured, or an unknown promise."""
    models = _models(options, discovery)
    model = options.baseline.partition(" ")[0]  # a row begins with its model
    if model and model not in models:
        raise ServiceError(
            f"--baseline: {unknown('row', model, models)}; what it names must be measured: add it "
            "to --models"
        )
    promises = {name for model in discovery.models.values() for name in model.get("promises") or ()}
    for name in options.need:
        if name not in promises:
            known = sorted(map(hyphenated, promises))
            raise ServiceError(f"--need: {unknown('promise', hyphenated(name), known)}")


def _absent(cell: Cell, discovery: Discovery, services: Launcher) -> bool:
    """Whether it is known already that the service does not offer a cell."""
    why = discovery.unavailable(cell.workload, cell.model)
    return bool(why) and (bool(services.host) or not str(why).startswith(NOT_STARTED))


def check_possible(
    options: Options, cells: Sequence[Cell], discoveries: dict[str, Discovery], services: Launcher
) -> None:
    """Raise ServiceError for a model that the user names and that runs nowhere here.

    The same where no cell can run. What else is absent stays in the matrix, with its reason.
    """
    absent = [cell for cell in cells if _absent(cell, discoveries[cell.python], services)]
    left = {cell.model for cell in cells if cell not in absent}
    by_default = ALL in options.models or options.models == Options().models
    for cell in absent:
        discovery = discoveries[cell.python]
        cannot = discovery.cannot_run(cell.model)
        if cell.model not in left and cannot and not by_default:
            raise ServiceError(f"{cell.model} {cannot.removeprefix('it ')}")
        if not left:
            why = cannot or discovery.unavailable(cell.workload, cell.model)
            raise ServiceError(f"{cell.workload} cannot run under {cell.model}: {why}")


def _all_used(options: Options, workloads: Sequence[str]) -> None:
    """Raise ServiceError for a parameter of a workload that is not measured."""
    for workload in options.parameters:
        if workload not in workloads:
            raise ServiceError(
                f"--param {workload}.… has no effect: {workload!r} is not among the workloads "
                f"to measure ({', '.join(workloads)})"
            )


def _ceiling(url: str, source: Source) -> float:
    """Return what all generators together can offer on schedule.

    The service may be too slow to show what several of them can do, so each counts as much as one
    alone, unless each gets less when all run, because they are short of cores.
    """
    count = source.processes
    rate = source.saturation(url, "/health", PROBE_S, 1)
    if count > 1:
        rate = min(rate, source.saturation(url, "/health", PROBE_S))
    source.rest()
    return count * min(HONEST * rate, MOST)
