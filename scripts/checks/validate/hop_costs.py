"""What an event loop, the start of a worker, and the hop to a worker cost."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path
from statistics import median

from loadtests.load.http import ConnectionPool
from loadtests.service.interpreters import Interpreter
from loadtests.system.child import tied
from scripts.checks.shared.fast_clients import cost
from scripts.checks.validate.case import Case, Finding, remark, rising, within
from scripts.checks.validate.load import stages
from scripts.checks.validate.testbed import Testbed

CLIENTS = 32
TURN_S = 1.5
PAIRS = 7
SCRIPT = Path(__file__).with_name("starts.py")
SCRIPT_S = 120.0
# Published microseconds, a factor of three wider on either side, as clocks and caches differ.
STARTS = {
    "thread": (64 / 3, 92 * 3),
    "fork": (2_000 / 3, 3_000 * 3),
    "forkserver": (3_000 / 3, 70_000 * 3),  # 3 ms if it has preloaded the main module, 70 if not
    "spawn": (92_000 / 3, 125_000 * 3),
    "interpreter": (13_000 / 3, 13_000 * 3),
}
# Here a factor of two is enough: a hop is Python code and one or two wake-ups.
HOPS = {
    "thread-pool": (47 / 2, 98 * 2),
    "interpreter-pool": (150 / 2, 150 * 2),
    "process-pool": (170 / 2, 420 * 2),
}
HOP_ROUNDS = 20
HOP_CALLS = 10


def event_loops(testbed: Testbed) -> Case:
    """Case 4: uvloop 0.9–1.2 × the requests, for up to 1.3 × less CPU; 10 % of slack each."""
    rates, costs = [], []
    with (
        testbed.server("inline", "--loop", "uvloop") as fast,
        testbed.server("inline", "--loop", "asyncio") as plain,
    ):
        for _ in range(testbed.rounds(PAIRS)):
            ours, theirs = (
                cost(server.url, server.pid, "/noop/inline", CLIENTS, testbed.seconds(TURN_S))
                for server in (fast, plain)
            )
            rates.append(ours[0] / theirs[0])
            costs.append(theirs[1] / ours[1])
    claim = "uvloop against asyncio: 0.9–1.3 × the requests per second, up to 1.3 × less CPU"
    findings = [within("requests/s", rates, 0.9, 1.3), within("CPU less by", costs, 0.9, 1.4)]
    return Case.of("4", claim, findings)


def starts(testbed: Testbed) -> Case:
    """Case 6: start and end of a worker that does nothing, in a small separate process."""
    findings = [finding for python in testbed.pythons for finding in _starts(testbed, python)]
    claim = (
        "to start: thread 64–92 µs, fork 2–3 ms, forkserver 3 ms (3.14) to 70 ms, "
        "spawn 92–125 ms, interpreter 13 ms"
    )
    return Case.of("6", claim, findings)


def _starts(testbed: Testbed, python: Interpreter) -> list[Finding]:
    done = subprocess.run(  # noqa: S603 - our own script
        [python.executable, "-P", str(SCRIPT), *(["fast"] if testbed.fast else [])],
        check=True, capture_output=True, text=True, timeout=SCRIPT_S, preexec_fn=tied(),
    )  # fmt: skip
    took_us: dict[str, float] = json.loads(done.stdout)
    interpreter_mib = took_us.pop("interpreter_mib", None)
    findings = [
        within(
            f"{testbed.label(python) if name == 'thread' else ''}{name}", [us], *STARTS[name], "µs"
        )
        for name, us in took_us.items()
    ]
    order = [name for name in ("thread", "fork", "spawn") if name in took_us]
    findings.append(rising({name: took_us[name] for name in order}))
    if interpreter_mib:
        findings.append(remark(f"an interpreter takes {interpreter_mib:.1f} MiB"))
    return findings


def hops(testbed: Testbed) -> Case:
    """Case 7: the time that an answer reports, minus that of an answer of `inline`."""
    findings = [finding for python in testbed.pythons for finding in _hops(testbed, python)]
    claim = "a no-op's hop: thread 47–98 µs < interpreter about 150 µs < process 170–420 µs"
    return Case.of("7", claim, findings)


def _hops(testbed: Testbed, python: Interpreter) -> list[Finding]:
    # Without a GIL an interpreter is as slow as a process (755 µs), so it is left out.
    interpreters = _minor(python) >= (3, 14) and not python.free_threaded
    models = [name for name in HOPS if interpreters or name != "interpreter-pool"]
    took: dict[str, list[float]] = {name: [] for name in ("inline", *models)}
    with (
        testbed.server(",".join(took), python=python) as server,
        closing(ConnectionPool(server.url)) as connections,
    ):
        for turn in range(testbed.rounds(HOP_ROUNDS) + 1):  # the first only warms up
            for model in took:
                calls = stages(connections, f"/noop/{model}", "total", HOP_CALLS)
                took[model] += calls if turn else []
    us = {name: 1e3 * (median(took[name]) - median(took["inline"])) for name in models}
    findings = [within(name, [us[name]], *HOPS[name], "µs") for name in models]
    return [remark(f"Python {python.full}"), *findings, rising(us)]


def _minor(python: Interpreter) -> tuple[int, ...]:
    return tuple(int(part) for part in python.minor.split("."))
