"""What a run with services of the user measures: each request on each variant, checked first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from loadtests.cell import Cell
from loadtests.errors import ServiceError
from loadtests.load.source import Source
from loadtests.machine.environment import environment
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import Options
from loadtests.run.survival.plan import CHEAP, ceiling_of
from loadtests.service.guest_launcher import GuestLauncher
from loadtests.service.launcher import Launcher
from loadtests.wording import unknown


def guest_plan(
    options: Options, services: GuestLauncher, own: Launcher, source: Source
) -> dict[str, Any]:
    """Start each service once, and return the first line of the run.

    Raises StartError for a service that does not start, ServiceError for one that answers wrongly.
    What the generator can offer is tried with a server of our own.
    """
    guests = services.guests
    for guest in guests.services:
        with services.start(guest.name, services.variants(guest)[0]):
            pass  # its requests have been checked
    with own.start(CHEAP) as (url, _, discovery):
        ceiling = ceiling_of(url, source)
    cells = list(_cells(services))
    rows = list(dict.fromkeys(cell.row for cell in cells))
    if options.baseline and options.baseline not in {*rows, *(cell.model for cell in cells)}:
        raise ServiceError(f"--baseline: {unknown('row', options.baseline, rows)}")
    return {
        "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "environment": {**environment(), "server": {"cores": discovery.runtime.get("cores")}},
        "options": replace(options, generators=source.processes).record(),
        "constants": asdict(CONSTANTS),
        "generator_ceiling": ceiling,
        "cells": [cell._asdict() for cell in cells],
        "absent": [],
        "workloads": {
            label: {"doc": _described(parsed.spec.method, parsed.spec.target), "parameters": {}}
            for label, parsed in guests.requests.items()
        },
        "cannot": {},
        "variations": {
            label: asdict(services.variations[label])
            for label in dict.fromkeys(cell.variant for cell in cells)
        },
        "services": {guest.name: asdict(guest) for guest in guests.services},
    }


def _cells(services: GuestLauncher) -> Iterator[Cell]:
    for label in services.guests.requests:
        for guest in services.guests.services:
            for variant in services.variants(guest):
                yield Cell(label, guest.name, variant)


def _described(method: str, target: str) -> str:
    return f"{method} {target}"
