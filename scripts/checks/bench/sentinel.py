"""The sentinel detects other programs on the machine, and does not mistake our own load for one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import monotonic

import psutil

from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.system.child import tied

WINDOW_S = 2.0
WINDOWS = 20
STARTS = 10
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
    """Calibrate several times; then watch quiet windows, and windows with a neighbour."""
    yield _starts()
    with Sentinel() as sentinel:
        begun, before_s = monotonic(), _cpu_s(sentinel)
        quiet = [_window(sentinel) for _ in range(WINDOWS)]
        share = (_cpu_s(sentinel) - before_s) / (monotonic() - begun)
        yield _summary("quiet, own load on all cores", quiet)
        with _working(NEIGHBOUR, 10 * WINDOWS * WINDOW_S):
            beside = [_window(sentinel) for _ in range(WINDOWS)]
        yield _summary(f"a neighbour at {NEIGHBOUR:.0%} of one core", beside)
    yield f"the probe used {share:.1%} of a core"


def _starts() -> str:
    took, pieces_ms = [], []
    for _ in range(STARTS):
        begun = monotonic()
        with Sentinel() as sentinel:
            took.append(monotonic() - begun)
            sentinel.begin()
            pieces_ms.append(sentinel.end(0.0).calibration_ms or 0.0)
    return (
        f"calibration: {median(pieces_ms):.3f} ms ({min(pieces_ms):.3f}–{max(pieces_ms):.3f} in "
        f"{STARTS} starts), ready in {median(took):.2f} s (at most {max(took):.2f} s)"
    )


def _window(sentinel: Sentinel) -> MachineState:
    """Load all cores for a while, and declare this load as our own."""
    before = _children_s()
    sentinel.begin()
    processes = [_work(1.0, WINDOW_S) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.wait()
    return sentinel.end(_children_s() - before)


@contextmanager
def _working(share: float, length_s: float) -> Iterator[None]:
    process = _work(share, length_s)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _work(share: float, length_s: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKING, str(share), str(length_s)]
    return subprocess.Popen(  # noqa: S603 - our own command
        command, start_new_session=True, preexec_fn=tied()
    )


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_s(sentinel: Sentinel) -> float:
    times = psutil.Process(sentinel.pid).cpu_times()
    return times.user + times.system


def _summary(what: str, windows: list[MachineState]) -> str:
    void = [window for window in windows if disturbances(window)]
    figures = ", ".join(
        f"{name} {_range([getattr(window, field) for window in windows])}"
        for name, field in (
            ("others", "others_cores"),
            ("steal", "steal"),
            ("slowdown", "slowdown"),
            ("slow", "slow_share"),
            ("cpu pressure", "cpu_pressure"),
            ("late ms", "jitter_ms"),
        )
    )
    return f"{what}: {len(void)} of {len(windows)} windows of {WINDOW_S:g} s void; {figures}"


def _range(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    return f"{median(known):.3f} ({min(known):.3f}–{max(known):.3f})"
