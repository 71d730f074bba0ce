"""What a survival run will measure: read from the services, checked, and stored first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from loadtests.capacity.sizing import BOUNDS, first_sizes
from loadtests.cell import Cell
from loadtests.errors import ServiceError
from loadtests.load.request import HEALTH
from loadtests.load.source import Source
from loadtests.machine.environment import environment
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import BASELINE, HEADLINE_MODELS, Options, hyphenated
from loadtests.service.contract import Discovery
from loadtests.service.launcher import Launcher
from loadtests.service.warm_up import try_parameters
from loadtests.service.workload_modules import ALL, chosen
from loadtests.wording import unknown

PROBE_S = 1.0
# The share of a closed loop's rate at /health that an open loop can send on schedule (requests of
# a closed loop come in batches), and the most that one Locust process can.
HONEST = 0.15
MOST = 2000.0
SIZES = ("threads", "processes", "workers", "loops")
CHEAP = "inline,async"  # models that cost a server nothing to start
NOT_STARTED = "not started"  # the service that answers has few models, others have more


def plan(options: Options, services: Launcher, source: Source) -> dict[str, Any]:
    """Ask a service on each Python what it offers, and return the first line of the run.

    Raises ServiceError for what is not there, and StartError where a server does not start.
    """
    runtimes: dict[str, dict[str, Any]] = {}
    offers: dict[Cell, Discovery] = {}
    ceiling = 0.0
    for python in services.pythons:
        with services.start(CHEAP, python) as (url, _, discovery):
            _begin_sizes(options, discovery, services)
            runtimes[python] = without(discovery.runtime, services.servers.varied)
            ceiling = max(ceiling, ceiling_of(url, source))
            pairs = requested(options, discovery)
            try_parameters(options.parameters, discovery, url)
        also = {BASELINE: _more_workers(options, discovery)}
        for workload, model in pairs:
            for variant in services.rows(model, discovery, python, also.get(model, ())):
                offers[Cell(workload, model, variant)] = discovery
    _check_varied(options, services, offers)
    check_possible(options, offers, services)
    order = list(dict.fromkeys(cell[:2] for cell in offers))
    cells = sorted(offers, key=lambda cell: order.index(cell[:2]))  # rows stay side by side
    several = {"servers": runtimes} if any(runtimes) else {}
    absent = [cell for cell in cells if _absent(cell, offers[cell], services)]
    return {
        "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "environment": {**environment(), "server": next(iter(runtimes.values())), **several},
        "options": replace(options, host=services.host or "", generators=source.processes).record(),
        "constants": asdict(CONSTANTS),
        "generator_ceiling": ceiling,
        "cells": [cell._asdict() for cell in cells],
        "absent": [cell._asdict() for cell in absent],
        "workloads": described(options, discovery, [*dict.fromkeys(name for name, _ in order)]),
        "cannot": broken(offers.values()),
        "variations": {
            label: asdict(services.variations[label])
            for label in dict.fromkeys(cell.variant for cell in cells)
        },
    }


def _sized_by(discovery: Discovery, model: str) -> str | None:
    return (discovery.models.get(model) or {}).get("sized_by")


def without(facts: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}


def _more_workers(options: Options, discovery: Discovery) -> list[dict[str, str]]:
    """Return what production does first, a server process for each core, for the headline."""
    cores = discovery.runtime.get("cores") or 1
    wanted = options.models == HEADLINE_MODELS and "workers" not in options.servers.axes
    return [{"workers": str(cores)}] if wanted and cores > 1 and not options.host else []


def _check_varied(options: Options, services: Launcher, cells: Iterable[Cell]) -> None:
    """Raise ServiceError for values that make no rows, StartError for some that servers refuse."""
    variations = [services.variations[cell.variant].options for cell in cells]
    for name, values in services.servers.varied.items():
        if not any(name in variation for variation in variations):
            raise ServiceError(
                f"--{name.replace('_', '-')} {','.join(values)} has no effect on any of the models "
                f"to measure ({', '.join(dict.fromkeys(cell.model for cell in cells))})"
            )
        for value in options.servers.varied.get(name, ()):
            with services.start(CHEAP, services.pythons[0], axes={name: value}):
                pass


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


def _begin_sizes(options: Options, discovery: Discovery, services: Launcher) -> None:
    """Make rows of the first sizes to measure. Raises ServiceError for what has no size."""
    known = {
        name: option
        for name, option in discovery.options.items()
        if option.get("type") == "integer" and name in SIZES
    }
    for name in options.size:
        if name not in known:
            raise ServiceError(f"--size: {unknown('option', name, known)}")
    for name in options.size[:1]:
        usual, least, most = (known[name].get(of) for of in ("default", "minimum", "maximum"))
        services.vary(name, first_sizes(usual or 1, least or BOUNDS[0], most or BOUNDS[1]))


def _models(options: Options, discovery: Discovery) -> Sequence[str]:
    if options.size and options.models == HEADLINE_MODELS:
        [size, *_] = options.size
        sized = (name for name in options.models if _sized_by(discovery, name) == size)
        return list(sized) or [BASELINE]
    return list(discovery.models) if ALL in options.models else options.models


def requested(options: Options, discovery: Discovery) -> list[tuple[str, str]]:
    """List the requested workloads under the requested models.

    Raises ServiceError for a name that the service does not know, and for one without effect.
    """
    workloads = chosen(options.workloads, discovery, options.servers.folder)
    _all_used(options, workloads)
    pairs = [(name, model) for name in workloads for model in _models(options, discovery)]
    discovery.check(pairs, options.parameters)
    check_wishes(options, discovery)
    return pairs


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


def check_possible(options: Options, offers: Mapping[Cell, Discovery], services: Launcher) -> None:
    """Raise ServiceError for a model that the user names and that runs nowhere here.

    The same where no cell can run. What else is absent stays in the matrix, with its reason.
    """
    absent = [cell for cell, offer in offers.items() if _absent(cell, offer, services)]
    left = {cell.model for cell in offers if cell not in absent}
    by_default = ALL in options.models or options.models == Options().models
    for cell in absent:
        discovery = offers[cell]
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


def ceiling_of(url: str, source: Source) -> float:
    """Return what all generators together can offer on schedule.

    The service may be too slow to show what several of them can do, so each counts as much as one
    alone, unless each gets less when all run, because they are short of cores.
    """
    count = source.processes
    rate = source.saturation(url, HEALTH, PROBE_S, 1)
    if count > 1:
        rate = min(rate, source.saturation(url, HEALTH, PROBE_S))
    source.rest()
    return count * min(HONEST * rate, MOST)
