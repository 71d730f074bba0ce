"""What things cost: an event loop, the start of a worker, the hop to one."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path
from statistics import median

from loadtests.load.http import ConnectionPool
from loadtests.service.interpreters import Interpreter
from loadtests.service.process import ServerProcess
from loadtests.system.child import tied
from scripts.checks.shared.rush import WARM_UP_S
from scripts.checks.validate.bench import Bench
from scripts.checks.validate.case import Case, Finding, rising, told, within
from scripts.checks.validate.load import rush, stages

CLIENTS = 32
TURN_S = 1.5
PAIRS = 7
SCRIPT = Path(__file__).with_name("starts.py")
SCRIPT_S = 120.0
# Microseconds of the notes, a factor of three wider on either side: clocks and caches differ.
STARTS = {
    "thread": (64 / 3, 92 * 3),
    "fork": (2_000 / 3, 3_000 * 3),
    "forkserver": (3_000 / 3, 70_000 * 3),  # 3 ms where it has loaded the main module, 70 if not
    "spawn": (92_000 / 3, 125_000 * 3),
    "interpreter": (13_000 / 3, 13_000 * 3),
}
# Here a factor of two: all of it is Python code and a wake-up or two.
HOPS = {
    "thread-pool": (47 / 2, 98 * 2),
    "interpreter-pool": (150 / 2, 150 * 2),
    "process-pool": (170 / 2, 420 * 2),
}
HOP_ROUNDS = 20
HOP_CALLS = 10


def event_loops(bench: Bench) -> Case:
    """Case 4: uvloop 0.9–1.2 × the requests, for up to 1.3 × less CPU; a tenth of slack each."""
    rates, costs = [], []
    with (
        bench.server("inline", "--loop", "uvloop") as fast,
        bench.server("inline", "--loop", "asyncio") as plain,
    ):
        for _ in range(bench.rounds(PAIRS)):
            ours, theirs = (_cost(one, bench.seconds(TURN_S)) for one in (fast, plain))
            rates.append(ours[0] / theirs[0])
            costs.append(theirs[1] / ours[1])
    claim = "uvloop against asyncio: 0.9–1.3 × the requests per second, up to 1.3 × less CPU"
    found = [within("requests/s", rates, 0.9, 1.3), within("CPU less by", costs, 0.9, 1.4)]
    return Case.of("4", claim, found)


def _cost(server: ServerProcess, seconds: float) -> tuple[float, float]:
    """Requests per second of 32 clients, and CPU seconds of the server for one of them."""
    before = server.usage().cpu_s
    served = rush(server.url, "/noop/inline", CLIENTS, seconds)
    used = server.usage().cpu_s - before
    return served, used / (served * (seconds + WARM_UP_S))


def starts(bench: Bench) -> Case:
    """Case 6: start and end of a worker that does nothing, in a small process of its own."""
    findings = [found for python in bench.pythons for found in _starts(bench, python)]
    claim = (
        "to start: thread 64–92 µs, fork 2–3 ms, forkserver 3 ms (3.14) to 70 ms, "
        "spawn 92–125 ms, interpreter 13 ms"
    )
    return Case.of("6", claim, findings)


def _starts(bench: Bench, python: Interpreter) -> list[Finding]:
    done = subprocess.run(  # noqa: S603 - our own script, on a Python of the user's
        [python.executable, "-P", str(SCRIPT), *(["fast"] if bench.fast else [])],
        check=True, capture_output=True, text=True, timeout=SCRIPT_S, preexec_fn=tied(),
    )  # fmt: skip
    said: dict[str, float] = json.loads(done.stdout)
    grown = said.pop("interpreter_mib", None)
    found = [
        within(
            f"{bench.label(python) if name == 'thread' else ''}{name}", [us], *STARTS[name], "µs"
        )
        for name, us in said.items()
    ]
    found.append(rising({name: said[name] for name in ("thread", "fork", "spawn") if name in said}))
    return [*found, *([told(f"an interpreter takes {grown:.1f} MiB")] if grown else ())]


def hops(bench: Bench) -> Case:
    """Case 7: what an answer says it took, less what it takes inline."""
    findings = [found for python in bench.pythons for found in _hops(bench, python)]
    claim = "a no-op's hop: thread 47–98 µs < interpreter about 150 µs < process 170–420 µs"
    return Case.of("7", claim, findings)


def _hops(bench: Bench, python: Interpreter) -> list[Finding]:
    # Without a GIL an interpreter is as slow as a process (notes: 755 µs), and has no place here.
    interpreters = _minor(python) >= (3, 14) and not python.free_threaded
    models = [name for name in HOPS if interpreters or name != "interpreter-pool"]
    took: dict[str, list[float]] = {name: [] for name in ("inline", *models)}
    with (
        bench.server(",".join(took), python=python) as server,
        closing(ConnectionPool(server.url)) as connections,
    ):
        for turn in range(bench.rounds(HOP_ROUNDS) + 1):  # the first only warms up
            for model in took:
                calls = stages(connections, f"/noop/{model}", "total", HOP_CALLS)
                took[model] += calls if turn else []
    us = {name: 1e3 * (median(took[name]) - median(took["inline"])) for name in models}
    found = [within(name, [us[name]], *HOPS[name], "µs") for name in models]
    return [told(f"Python {python.full}"), *found, rising(us)]


def _minor(python: Interpreter) -> tuple[int, ...]:
    return tuple(int(part) for part in python.minor.split("."))
