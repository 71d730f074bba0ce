"""Probe the speed of the cores from a small process: `python -m loadtests.machine.speed_probe`.

It reads requests on standard input, a word and a number each, and answers those for an `end` with
one line of JSON. Twenty times a second between `begin` and `end` it does a fixed piece of work and
takes the CPU time of its thread for it. A busy machine makes it wait for a core, which does not
count in that; a slower machine does, and so does time that a hypervisor takes without telling.
It costs 1 % of a core, and ends with its parent.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from select import select
from statistics import median
from time import monotonic, process_time

from loadtests.machine.disturbances import SLOW_SHARE, SLOWDOWN
from loadtests.machine.speed_piece import piece, usual, usual_when_busy

PERIOD_S = 0.05
HASTE = (5, 0.005)  # looks of a calibration before each trial, and seconds between them
CALM = 1.2  # times the fastest idle calibration: the cores are as free as ever
MOST_SHARED = 2.0  # times as long on a shared core: 1.8 was seen, more was a neighbour's


@dataclass(frozen=True, slots=True)
class ProbeReport:
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


class SpeedProbe:
    """Calibrated when made, and idle again before each trial: the fastest of these counts."""

    def __init__(self) -> None:
        self._idle = usual()
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

    def end(self, number: int) -> ProbeReport:
        self._looking = False
        cpu_s = process_time() - self._cpu
        ratios = self._ratios()
        if ratios and (median(ratios) > SLOWDOWN or _slow_share(ratios) > SLOW_SHARE):
            self._reconsider()
            ratios = self._ratios()
        return ProbeReport(
            number=number,
            pieces=len(ratios),
            slowdown=median(ratios) if ratios else None,
            slow_share=_slow_share(ratios) if ratios else None,
            late_s=sorted(self._late)[int(0.95 * len(ratios))] if ratios else None,
            calibration_s=self._calibration_s(),
            cpu_s=cpu_s,
        )

    def _calibration_s(self) -> float:
        """Take the slower state; one of a bad moment is put right by any good one of the run."""
        return max(self._idle, min(self._busy, MOST_SHARED * self._idle))

    def _ratios(self) -> list[float]:
        calibration = self._calibration_s()
        return [one / calibration for one in self._took]

    def _reconsider(self) -> None:
        """Calibrate with busy cores again, if it is calm now.

        A hypervisor that moves its guests' cores lets two of them share one, and does not
        the next moment: then the first calibration may have been too fast for a busy machine.
        A neighbour that is still there shows on idle cores too, and changes nothing.
        """
        if usual(*HASTE) <= CALM * self._idle:
            self._busy = max(self._busy, usual_when_busy())


def _slow_share(ratios: list[float]) -> float:
    return sum(one > SLOWDOWN for one in ratios) / len(ratios)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    gc.disable()
    probe = SpeedProbe()
    for word, number in _requests(probe):
        if word == "begin":
            probe.begin()
        elif word == "end":
            os.write(sys.stdout.fileno(), f"{json.dumps(asdict(probe.end(number)))}\n".encode())


def _requests(probe: SpeedProbe) -> Iterator[tuple[str, int]]:
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
