"""The diagnosis names the cause of bottlenecks that are planted in real servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any

from loadtests.cell import Cell
from loadtests.load.open_loop import Request
from loadtests.load.source import Listener
from loadtests.machine.platform import cores
from loadtests.machine.sentinel import Sentinel
from scripts.checks.shared.calibrated_cell import calibrated, no_listener
from scripts.checks.shared.children import busy
from scripts.checks.validate.case import Case, Finding
from scripts.checks.validate.testbed import Testbed

BOTTLENECKS = str(Path(__file__).with_name("bottlenecks.py"))
TRIAL_S = 5.0
BOUNDED = ("--admission", "bounded", "--queue", "64")
LISTENER_S = 0.001  # of CPU for each answer: at 1,500/s the generator then needs 1.5 cores


def listener(_: str, __: Request) -> None:
    """Compute for each answer in the generator's thread, as a careless listener might."""
    until = process_time() + LISTENER_S
    while process_time() < until:
        pass


@dataclass(frozen=True, slots=True)
class Plant:
    """A cell on a server with these options, and the load that it is offered."""

    cause: str
    workload: str
    model: str
    options: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    rate: float | None = None  # requests per second
    times: float = 1.5  # or this multiple of the saturated rate
    neighbours: bool = False
    heard: Listener = no_listener  # called with each answer


PLANTS = {
    "a pool of 2": Plant("pool", "sleep", "thread-pool", ("--threads=2",), {"ms": "50"}),
    "a blocked loop": Plant("loop blocked", "sleep", "inline", (), {"ms": "20"}),
    "a blocked loop, computing": Plant("loop blocked", "primes", "inline"),
    "one GIL": Plant("GIL", "primes", "thread-pool", BOUNDED),
    "two cores": Plant("cores", "primes", "process-pool", BOUNDED),
    "a tiny queue": Plant(
        "queue", "sleep", "thread-pool",
        ("--threads=4", "--admission=bounded", "--queue=1"), {"ms": "20"}, rate=100,
    ),
    "8 MiB in and out": Plant("payload", "echo", "process-pool", BOUNDED, {"kib": "8192"}),
    "little memory": Plant(
        "memory", "hoard", "thread-pool", (f"--workloads={BOTTLENECKS}",), {}, rate=150
    ),
    "workers that crash": Plant(
        "crashes", "fragile", "supervised-process-pool", (f"--workloads={BOTTLENECKS}",),
        {"percent": "20"}, rate=100,
    ),
    "a generator that is too slow": Plant(
        "generator", "noop", "inline", rate=1500, heard=listener
    ),
    "a noisy neighbour": Plant(
        "neighbour", "primes", "process-pool", BOUNDED, {}, times=0.85, neighbours=True
    ),
}  # fmt: skip


def planted(testbed: Testbed) -> Case:
    """Check the cause of each planted bottleneck."""
    findings = []
    sentinel = Sentinel()
    for name, plant in PLANTS.items():
        trial = _break(testbed, plant, sentinel)
        cause = trial["cause"] or {"name": "none: it passed", "sentence": ""}
        holds = cause["name"] == plant.cause
        why = f" ({cause['sentence']})" if cause["sentence"] else ""
        shown = f"{name}: {cause['name']}{why}"
        findings.append(Finding(shown, holds, plant.cause))
    return Case.of("planted", "the cause of each planted bottleneck is named", findings)


def _break(testbed: Testbed, plant: Plant, sentinel: Sentinel) -> Mapping[str, Any]:
    """Offer the load, and return the record of its trial."""
    with (
        testbed.server(plant.model, *plant.options) as server,
        calibrated(
            server, Cell(plant.workload, plant.model), plant.parameters, sentinel, plant.heard
        ) as cell,
    ):
        rate = plant.rate or plant.times * cell.saturation
        with busy(cores() if plant.neighbours else 0):
            return cell.trial(rate, testbed.seconds(TRIAL_S))
