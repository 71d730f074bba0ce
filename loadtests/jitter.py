"""Feel how fast the cores are, from a small process of its own: `python -m loadtests.jitter`.

It reads requests on standard input, a word and a number each, and answers those for an `end` with
one line of JSON. Twenty times a second between `begin` and `end` it does a fixed piece of work and
takes the CPU time of its thread for it. A busy machine makes it wait for a core, which does not
count in that; a slower machine does, and so does time that a hypervisor takes without telling.
It costs 1 % of a core, and ends with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from select import select
from statistics import median
from time import monotonic, process_time, sleep, thread_time

from loadtests.machine import SLOWDOWN

PERIOD_S = 0.05
STEPS = 4000  # of the work: 0.3 ms on a slow core of 2021
WARM_UP = 1000  # before each: caches and clock that the load left cold are its own effect
IDLE = (10, 0.01)  # looks of a calibration, and seconds between them
BUSY = (12, 0.015)
HASTE = (5, 0.005)  # before each trial
MOST_SHARED = 2.0  # times as long on a shared core: 1.8 was seen, more was a neighbour's
FILLS_BYTES = 2**20
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to an `end`: how pieces compare to their calibration, and what they cost.

    `late_s` is the lateness that 95 % of them keep within, `cpu_s` what the probe itself used.
    """

    number: int
    pieces: int
    slowdown: float | None
    slow_share: float | None
    late_s: float | None
    calibration_s: float
    cpu_s: float


def piece() -> float:
    """Do the fixed work; return the seconds of CPU time that it took this thread."""
    _work(WARM_UP)
    begun = thread_time()
    _work(STEPS)
    return thread_time() - begun


def _work(steps: int) -> int:
    mixed = 0
    for step in range(steps):
        mixed += step * step & 7
    return mixed


def usual(looks: int, apart_s: float, quantile: float = 0.5) -> float:
    """Calibrate: a quantile of some pieces, with pauses, as clocks fall asleep in them."""
    took = []
    for _ in range(looks):
        sleep(apart_s)
        took.append(piece())
    return sorted(took)[int(quantile * looks)]


def usual_when_busy() -> float:
    """Calibrate with all other cores busy: they share caches and clock with this one.

    Where two cores are threads of one, a piece then takes 1.8 times as long as alone, by a load
    of one's own. It is the slower of such two states that counts: the upper quartile.
    """
    looks, apart_s = BUSY
    length_s = looks * (apart_s + 0.001)
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = [_spinner(length_s) for _ in range(ours - 1)]
    try:
        return usual(looks, apart_s, 0.75)
    finally:
        for pid in busy:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _spinner(length_s: float) -> int:
    """Fork a process that computes and fills memory for so long; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    until = monotonic() + length_s
    while monotonic() < until:
        _work(STEPS)
        bytes(FILLS_BYTES)
    os._exit(0)


class Probe:
    """Calibrated when made, and again before each trial; the fastest that was seen counts."""

    def __init__(self) -> None:
        self._idle = usual(*IDLE)
        self._busy = usual_when_busy()
        self._looking = False
        self._took: list[float] = []
        self._late: list[float] = []
        self._due = self._cpu = 0.0

    def wait_s(self) -> float | None:
        """How long nothing is to be done but to listen; None without a trial."""
        return max(self._due - monotonic(), 0.0) if self._looking else None

    def begin(self) -> None:
        self._cpu = process_time()
        self._idle = min(self._idle, usual(*HASTE))
        self._took, self._late, self._looking = [], [], True
        self._due = monotonic() + PERIOD_S

    def look(self) -> None:
        """Do a piece of work if it is time for it."""
        if self._looking and (late := monotonic() - self._due) >= 0:
            self._late.append(late)
            self._took.append(piece())
            self._due = monotonic() + PERIOD_S

    def end(self, number: int) -> Report:
        self._looking = False
        # A bad moment at the start is put right by any good one of the run.
        calibration = max(self._idle, min(self._busy, MOST_SHARED * self._idle))
        ratios = [one / calibration for one in self._took]
        return Report(
            number=number,
            pieces=len(ratios),
            slowdown=median(ratios) if ratios else None,
            slow_share=sum(one > SLOWDOWN for one in ratios) / len(ratios) if ratios else None,
            late_s=sorted(self._late)[int(0.95 * len(ratios))] if ratios else None,
            calibration_s=calibration,
            cpu_s=process_time() - self._cpu,
        )


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    gc.disable()
    probe = Probe()
    for word, number in _requests(probe):
        if word == "begin":
            probe.begin()
        elif word == "end":
            os.write(sys.stdout.fileno(), f"{json.dumps(asdict(probe.end(number)))}\n".encode())


def _requests(probe: Probe) -> Iterator[tuple[str, int]]:
    """Look again and again until there is no more to read."""
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
