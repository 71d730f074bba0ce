"""Plant bottlenecks whose cause is known, and see whether it is named: real servers, real loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.calibration import calibrate
from loadtests.ceilings import Demands
from loadtests.cores import cores
from loadtests.hammer import Hammer
from loadtests.offer import Local
from loadtests.options import HEADLINE_MODELS, Options
from loadtests.sentinel import Sentinel
from loadtests.signs import Signs
from loadtests.slo import Slo
from loadtests.target import path_of
from loadtests.trials import Costs, Tools, Trials
from scripts.validation.bench import Bench
from scripts.validation.case import Case, Finding

TROUBLED = str(Path(__file__).with_name("troubled.py"))
TRIAL_S = 5.0
BOUNDED = ("--admission", "bounded", "--queue", "64")


@dataclass(frozen=True, slots=True)
class Plant:
    """A cell on a server with these options, offered `rate`, or this multiple of its saturation."""

    cause: str
    workload: str
    model: str
    options: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    rate: float | None = None
    times: float = 1.5
    neighbours: bool = False


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
    "a generator that is too slow": Plant("generator", "noop", "inline", (), {}, rate=9000),
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
    options = _options(plant)
    path = path_of(plant.workload, plant.model, plant.parameters)
    told: list[dict[str, Any]] = []
    with bench.server(plant.model, *plant.options) as server:
        signs = Signs(server.url, plant.model, server)
        hammer = Hammer(server.url, (plant.workload, plant.model), path, b'"result"', Local())
        with closing(signs), closing(hammer):
            found = calibrate(
                server.url, path, lambda body: b'"result"' in body, signs, options.slo.bound_s
            )
            costs = Costs(Demands.of(found.lone, found.crowd), found.crowd.on_loop)
            tools = Tools(options, sentinel, lambda _: None)
            trials = Trials(tools, hammer, server, signs, costs, told.append)
            rate = plant.rate or plant.times * found.crowd.completed
            with _neighbours() if plant.neighbours else nullcontext():
                trials.once(rate, bench.seconds(TRIAL_S))
    return told[-1]


def _options(plant: Plant) -> Options:
    return Options(
        workloads=(plant.workload,), models=HEADLINE_MODELS, load="open", arrivals="poisson",
        scenario="survival", slo=Slo.parse("p99<250ms"), mode="quick", seed=1,
        parameters={plant.workload: plant.parameters}, output="", running_service=False,
    )  # fmt: skip


@contextmanager
def _neighbours() -> Iterator[None]:
    """Keep every core busy with something else."""
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(cores())]  # noqa: S603 - our own command
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()
