"""Plant bottlenecks whose cause is known, and see whether it is named: real servers, real loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any

from loadtests.load.open_loop import Request
from loadtests.load.source import Listener
from loadtests.machine.platform import cores
from loadtests.machine.sentinel import Sentinel
from loadtests.system.child import tied
from scripts.checks.shared.tried_cell import no_listener, tried
from scripts.checks.validate.bench import Bench
from scripts.checks.validate.case import Case, Finding

TROUBLED = str(Path(__file__).with_name("troubled.py"))
TRIAL_S = 5.0
BOUNDED = ("--admission", "bounded", "--queue", "64")
LISTENER_S = 0.001  # of CPU for each answer: a generator of 1,500/s then wants one core and a half


def listener(_: str, __: Request) -> None:
    """Compute for each answer in the generator's own thread, as a careless listener may."""
    until = process_time() + LISTENER_S
    while process_time() < until:
        pass


@dataclass(frozen=True, slots=True)
class Plant:
    """A cell on a server with these options, offered `rate`, or this multiple of its saturation.

    The generator tells `heard` of each answer.
    """

    cause: str
    workload: str
    model: str
    options: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    rate: float | None = None
    times: float = 1.5
    neighbours: bool = False
    heard: Listener = no_listener


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
    "8 MiB there and back": Plant("payload", "echo", "process-pool", BOUNDED, {"kib": "8192"}),
    "little memory": Plant(
        "memory", "hoard", "thread-pool", (f"--workloads={TROUBLED}",), {}, rate=150
    ),
    "workers that crash": Plant(
        "crashes", "fragile", "supervised-process-pool", (f"--workloads={TROUBLED}",),
        {"percent": "20"}, rate=100,
    ),
    "a generator that is too slow": Plant(
        "generator", "noop", "inline", rate=1500, heard=listener
    ),
    "a noisy neighbour": Plant(
        "neighbour", "primes", "process-pool", BOUNDED, {}, times=0.85, neighbours=True
    ),
}  # fmt: skip


def planted(bench: Bench) -> Case:
    """Name the cause of each: 8 kinds and more, none of them twice."""
    findings = []
    with Sentinel() as sentinel:
        for name, plant in PLANTS.items():
            said = _break(bench, plant, sentinel)
            cause = said["cause"] or {"name": "none: it held", "sentence": ""}
            holds = cause["name"] == plant.cause
            why = f" ({cause['sentence']})" if cause["sentence"] else ""
            shown = f"{name}: {cause['name']}{why}"
            findings.append(Finding(shown, holds, plant.cause))
    return Case.of("planted", "the cause of each planted bottleneck is named", findings)


def _break(bench: Bench, plant: Plant, sentinel: Sentinel) -> dict[str, Any]:
    """Offer the load, and return what is told of its trial."""
    with (
        bench.server(plant.model, *plant.options) as server,
        tried(server, plant.workload, plant.model, plant.parameters, plant.heard) as cell,
    ):
        found = cell.calibrate()
        rate = plant.rate or plant.times * found.crowd.completed
        with _neighbours() if plant.neighbours else nullcontext():
            return cell.trial(rate, bench.seconds(TRIAL_S), found, sentinel)


@contextmanager
def _neighbours() -> Iterator[None]:
    """Keep every core busy with something else."""
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin, preexec_fn=tied()) for _ in range(cores())]  # noqa: S603 - our own command
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()
