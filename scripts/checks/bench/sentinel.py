"""The sentinel detects other programs on the machine, and does not mistake our own load for one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from statistics import median

from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.system.child import child

WINDOW_S = 2.0
WINDOWS = 20
NEIGHBOUR = 0.5  # of one core
# Uses a share of a core, measured by its CPU time, even while others compete for all cores.
WORKING = """
import sys
from time import monotonic, process_time, sleep
share, until, begun = float(sys.argv[1]), monotonic() + float(sys.argv[2]), monotonic()
while (now := monotonic()) < until:
    if process_time() < share * (now - begun):
        sum(range(10_000))
    else:
        sleep(0.01)
"""


def neighbours() -> Iterator[str]:
    """Watch quiet windows, and windows with a neighbour."""
    sentinel = Sentinel()
    quiet = [_window(sentinel) for _ in range(WINDOWS)]
    yield _summary("quiet, own load on all cores", quiet)
    with _working(NEIGHBOUR, 10 * WINDOWS * WINDOW_S):
        beside = [_window(sentinel) for _ in range(WINDOWS)]
    yield _summary(f"a neighbour at {NEIGHBOUR:.0%} of one core", beside)


def _window(sentinel: Sentinel) -> MachineState:
    """Load all cores for a while, and declare this load as our own."""
    before = _children_s()
    sentinel.begin()
    with ExitStack() as open_processes:
        for _ in range(os.cpu_count() or 1):
            process = open_processes.enter_context(_working(1.0, WINDOW_S))
            open_processes.callback(process.wait)
    return sentinel.end(_children_s() - before)


def _working(share: float, length_s: float) -> AbstractContextManager[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WORKING, str(share), str(length_s)]
    return child(command, stop_s=1.0, start_new_session=True)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _summary(what: str, windows: list[MachineState]) -> str:
    void = [window for window in windows if disturbances(window)]
    figures = ", ".join(
        f"{name} {_range([getattr(window, field) for window in windows])}"
        for name, field in (
            ("others", "others_cores"),
            ("steal", "steal"),
            ("throttled", "throttled"),
            ("cpu pressure", "cpu_pressure"),
        )
    )
    return f"{what}: {len(void)} of {len(windows)} windows of {WINDOW_S:g} s void; {figures}"


def _range(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    return f"{median(known):.3f} ({min(known):.3f}–{max(known):.3f})"
