"""The server's GIL sampler estimates known shares of time in which the GIL is held.

Threads hold the GIL in Python for a while and then release it, again and again, and time both.
This is done on idle cores, and on cores that other processes compete for, because waiting for a
core must not count as holding the GIL.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from statistics import mean
from threading import Event, Lock, Thread
from time import monotonic, process_time, sleep

from loadtests.paths import ROOT
from loadtests.system.child import tied
from scripts.checks.shared.children import busy
from server.telemetry.gil import Sampler

TURN_S = 8.0
BUFFER = bytes(2**18)  # hashed within a millisecond


def hash_for(seconds: float) -> None:
    end = monotonic() + seconds
    while monotonic() < end:
        sha256(BUFFER)


@dataclass(frozen=True, slots=True)
class Duty:
    """What threads do: hold the GIL in Python for `held_s`, then release it for `free_s`."""

    name: str
    held_s: float
    free_s: float
    release: Callable[[float], None] = sleep
    threads: int = 1


MS = 1e-3
IDLE = Duty("none", 0, 0.1)
DUTIES = [
    Duty("a loop in Python", 0.1, 0),
    Duty("sha256 of 256 KiB", 0, 0.1, hash_for),
    IDLE,
    *(
        Duty(f"{held:g} ms in Python, {free:g} ms {what}", held * MS, free * MS, release)
        for what, release in (("asleep", sleep), ("in sha256", hash_for))
        for held, free in ((0.2, 0.2), (1, 3), (1, 1), (3, 1), (10, 10))
    ),
    Duty("1 ms in Python, 3 ms asleep: two threads", MS, 3 * MS, sleep, 2),
    Duty("1 ms in Python, 3 ms in sha256: two threads", MS, 3 * MS, hash_for, 2),
]


class Turn:
    """Threads at their duty; they hold the GIL one at a time, so that held times add up."""

    def __init__(self, duty: Duty) -> None:
        self.held_s = 0.0
        self._duty = duty
        self._end = Event()
        self._lock = Lock()

    def _work(self) -> None:
        while not self._end.is_set():
            if self._duty.held_s:
                with self._lock:
                    begun = now = monotonic()
                    while now < begun + self._duty.held_s:
                        now = monotonic()
                    self.held_s += now - begun
            if self._duty.free_s:
                self._duty.release(self._duty.free_s)

    def run(self) -> tuple[float, float]:
        """Return the true share of time and the estimate; nan if there is none."""
        threads = [Thread(target=self._work) for _ in range(self._duty.threads)]
        sampler = Sampler()
        begun = monotonic()
        sampler.start()
        for thread in threads:
            thread.start()
        sleep(TURN_S)
        true = self.held_s / (monotonic() - begun)
        samples, held = sampler.samples or (0, 0)
        sampler.stop()
        self._end.set()
        for thread in threads:
            thread.join()
        return true, held / samples if samples else float("nan")


def table() -> Iterator[str]:
    yield "| threads | cores | true | estimate | error |"
    yield "|---|---|---:|---:|---:|"
    errors = []
    cost = 0.0
    for cores, processes in (("idle", 0), ("busy", os.cpu_count() or 1)):
        with busy(processes):
            for duty in DUTIES:
                before = process_time()
                true, estimate = Turn(duty).run()
                if duty is IDLE and not processes:
                    cost = (process_time() - before) / TURN_S
                errors.append(abs(estimate - true))
                shares = f"{true:.2f} | {estimate:.2f} | {estimate - true:+.2f}"
                yield f"| {duty.name} | {cores} | {shares} |"
    yield ""
    yield (
        f"Mean error {mean(errors):.3f}, worst {max(errors):.3f}, in {TURN_S:g} s each; "
        f"without threads the process used {100 * cost:.2f} % of a core."
    )


def gil(executable: str) -> Iterator[str]:
    """Measure in a separate process, which nothing has patched."""
    command = [executable, "-m", "scripts.checks.bench.gil"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=tied()
    ) as process:
        assert process.stdout
        yield from (line.rstrip("\n") for line in process.stdout)


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)  # noqa: T201 - printing is its purpose
