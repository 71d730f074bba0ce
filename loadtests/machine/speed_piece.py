"""How long a fixed piece of work takes: on idle cores, and while all others are busy."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from time import monotonic, sleep, thread_time

from loadtests.machine.cores import cores
from loadtests.system.child import tied

STEPS = 4000  # of the work: 0.3 ms on a slow core of 2021
WARM_UP = 1000  # before each: caches and clock that a load left cold are its own effect
BUSY = (12, 0.015)  # looks with busy cores, and seconds between them
FILLS_BYTES = 2**20


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


def usual(looks: int = 10, apart_s: float = 0.01, quantile: float = 0.5) -> float:
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
    length_s = 3 * looks * apart_s  # they are ended before
    busy = [_spinner(length_s) for _ in range(cores() - 1)]
    try:
        return usual(looks, apart_s, 0.75)
    finally:
        for pid in busy:
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
