"""Probe the speed of the cores from a small process: `python -m loadtests.machine.speed_probe`.

It reads requests on standard input, a word and a number each, and answers each `end` with one line
of JSON. Twenty times a second between `begin` and `end` it does a fixed piece of work and takes
the CPU time that its thread needed. On a busy machine the probe waits for a core, which does not
count as CPU time; a slower core shows, and so does time that a hypervisor takes without reporting
it. The probe costs 1 % of a core, and ends with its parent.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from select import select
from statistics import median
from time import monotonic, process_time, sleep, thread_time

from loadtests.machine.disturbances import SLOW_SHARE, SLOWDOWN, MachineState
from loadtests.machine.platform import cores
from loadtests.system.child import tied

STEPS = 4000  # of a piece of work: 0.3 ms on a slow core of 2021
WARM_UP = 1000  # steps before each: caches and clock that a load left cold are not of interest
PERIOD_S = 0.05
QUICK = (5, 0.005)  # pieces of a calibration before each trial, and seconds between them
BUSY = (12, 0.015)  # the same with busy cores
FILLS_BYTES = 2**20
CALM = 1.2  # times the fastest idle calibration: the cores are as free as ever
MOST_SHARED = 2.0  # times as long on a shared core: 1.8 was observed, more is a neighbour's doing


class SpeedProbe:
    """Calibrated when made, and again before each trial: the fastest idle calibration counts."""

    def __init__(self) -> None:
        self._idle = calibrate()
        self._busy = calibrate_busy()
        self._looking = False
        self._took: list[float] = []
        self._late: list[float] = []
        self._due = self._cpu = 0.0
        self.cpu_s = 0.0  # what the last trial cost the probe itself

    def wait_s(self) -> float | None:
        """How long there is nothing to do but listen; None without a trial."""
        return max(self._due - monotonic(), 0.0) if self._looking else None

    def begin(self) -> None:
        self._cpu = process_time()
        self._idle = min(self._idle, calibrate(*QUICK))
        self._took, self._late, self._looking = [], [], True
        self._due = monotonic() + PERIOD_S

    def look(self) -> None:
        """Do a piece of work if it is time for it."""
        if self._looking and (late := monotonic() - self._due) >= 0:
            self._late.append(late)
            self._took.append(piece())
            self._due = monotonic() + PERIOD_S

    def end(self) -> MachineState:
        """Compare the pieces of a trial to their calibration; says nothing of the counters."""
        self._looking = False
        self.cpu_s = process_time() - self._cpu
        ratios = self._ratios()
        if ratios and (median(ratios) > SLOWDOWN or _slow_share(ratios) > SLOW_SHARE):
            self._reconsider()
            ratios = self._ratios()
        return MachineState(
            slowdown=median(ratios) if ratios else None,
            slow_share=_slow_share(ratios) if ratios else None,
            jitter_ms=1e3 * _quantile(self._late, 0.95) if ratios else None,
            pieces=len(ratios),
            calibration_ms=1e3 * self._calibration_s(),
        )

    def _calibration_s(self) -> float:
        """Take the slower state; a calibration at a bad moment is corrected by a later good one."""
        return max(self._idle, min(self._busy, MOST_SHARED * self._idle))

    def _ratios(self) -> list[float]:
        calibration = self._calibration_s()
        return [seconds / calibration for seconds in self._took]

    def _reconsider(self) -> None:
        """Calibrate with busy cores again, if it is calm now.

        A hypervisor that moves its guests' cores may let two of them share one core, and no longer
        do so a moment later: then the first calibration was too fast for a busy machine. A
        neighbour that is still there shows on idle cores too, and changes nothing.
        """
        if calibrate(*QUICK) <= CALM * self._idle:
            self._busy = max(self._busy, calibrate_busy())


def piece() -> float:
    """Do the fixed work; return the seconds of CPU time that it took this thread."""
    _work(WARM_UP)
    begun = thread_time()
    _work(STEPS)
    return thread_time() - begun


def calibrate(pieces: int = 10, apart_s: float = 0.01, quantile: float = 0.5) -> float:
    """Return a quantile of some pieces, with pauses between them, in which clocks slow down."""
    took = []
    for _ in range(pieces):
        sleep(apart_s)
        took.append(piece())
    return _quantile(took, quantile)


def calibrate_busy() -> float:
    """Calibrate with all other cores busy: they share caches and clock with this one.

    Where two cores are threads of one, a load of one's own makes a piece take 1.8 times as long.
    The slower of two such states counts: hence the upper quartile.
    """
    pieces, apart_s = BUSY
    length_s = 3 * pieces * apart_s  # they are ended before
    spinners = [_spinner(length_s) for _ in range(cores() - 1)]
    try:
        return calibrate(pieces, apart_s, 0.75)
    finally:
        for pid in spinners:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _spinner(length_s: float) -> int:
    """Fork a process that computes and fills memory for so long; returns its pid."""
    tie = tied()
    if pid := os.fork():
        return pid
    tie()
    until = monotonic() + length_s
    while monotonic() < until:
        _work(STEPS)
        bytes(FILLS_BYTES)
    os._exit(0)


def _work(steps: int) -> int:
    mixed = 0
    for step in range(steps):
        mixed += step * step & 7
    return mixed


def _quantile(values: Sequence[float], quantile: float) -> float:
    return sorted(values)[int(quantile * len(values))]


def _slow_share(ratios: Sequence[float]) -> float:
    return sum(ratio > SLOWDOWN for ratio in ratios) / len(ratios)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    gc.disable()
    probe = SpeedProbe()
    for word, number in _requests(probe):
        if word == "begin":
            probe.begin()
        elif word == "end":
            machine = asdict(probe.end())
            answer = {"number": number, "cpu_s": probe.cpu_s, "machine": machine}
            os.write(sys.stdout.fileno(), f"{json.dumps(answer)}\n".encode())


def _requests(probe: SpeedProbe) -> Iterator[tuple[str, int]]:
    """Yield what is requested, and look in between, until standard input ends."""
    unread = b""
    while True:
        readable, _, _ = select([sys.stdin], [], [], probe.wait_s())
        if readable:
            received = os.read(sys.stdin.fileno(), 4096)
            if not received:
                return
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                word, _, number = line.decode().partition(" ")
                yield word, int(number)
        probe.look()


if __name__ == "__main__":
    main()
