"""Bottlenecks that are planted on purpose, and the cause that each should be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

from loadtests.load.open_loop import Request
from loadtests.load.source import Listener
from loadtests.slo import Slo
from scripts.checks.shared.calibrated_cell import SLO, no_listener

BOTTLENECKS, HIDDEN, UNSEEN = (
    f"--workloads={Path(__file__).with_name(name)}"
    for name in ("bottlenecks.py", "hidden_limits.py", "held_out_limits.py")
)
BOUNDED = ("--admission", "bounded", "--queue", "64")
TIGHT = Slo.parse("p99<50ms")
LISTENER_S = 0.001  # of CPU for each answer: at 1,500/s the generator then needs 1.5 cores


def listener(_: str, __: Request) -> None:
    """Compute for each answer in the generator's thread, as a careless listener might."""
    until = process_time() + LISTENER_S
    while process_time() < until:
        pass


@dataclass(frozen=True, slots=True)
class Plant:
    """A cell on a server with these options, and the load that it is offered.

    `also` are causes that are true as well, where the limit has two names.
    """

    cause: str
    workload: str
    model: str
    options: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    also: Sequence[str] = ()
    rate: float | None = None  # requests per second near the capacity, or else the saturated rate,
    times: Sequence[float] = (1.0, 1.2, 1.5)  # and the multiples of it that are offered
    slo: Slo = SLO
    neighbours: bool = False
    heard: Listener = no_listener  # called with each answer

    def accepts(self, cause: str) -> bool:
        return cause in {self.cause, *self.also}


def _hidden(cause: str, workload: str, model: str = "thread-pool", **changes: object) -> Plant:
    return Plant(cause, workload, model, (HIDDEN,), **changes)  # type: ignore[arg-type]  # as given


PLANTS = {
    "pool": Plant("pool", "sleep", "thread-pool", ("--threads=2",), {"ms": "50"}),
    "loop": Plant("loop blocked", "sleep", "inline", (), {"ms": "20"}),
    "loop-computing": Plant("loop blocked", "primes", "inline"),
    "gil": Plant("GIL", "primes", "thread-pool", BOUNDED),
    "cores": Plant("cores", "primes", "process-pool", BOUNDED),
    "tiny-queue": Plant(
        "queue full", "sleep", "thread-pool",
        ("--threads=4", "--admission=bounded", "--queue=1"), {"ms": "20"}, rate=80,
    ),
    "payload": Plant("payload", "echo", "process-pool", BOUNDED, {"kib": "8192"}),
    "memory": Plant("memory", "hoard", "thread-pool", (BOTTLENECKS,), {}, rate=120),
    "crashes": Plant(
        "crashes", "fragile", "supervised-process-pool", (BOTTLENECKS,), {"percent": "20"}, rate=100
    ),
    "generator": Plant("generator", "noop", "inline", rate=1500, heard=listener),
    "neighbour": Plant(
        "neighbour", "primes", "process-pool", BOUNDED, {}, times=(0.85, 1.0), neighbours=True
    ),
    "hand-over": Plant("GIL hand-over", "rows", "thread-pool", also=("GIL",)),
    "regex": _hidden("GIL", "backtrack"),
    "big-result": _hidden(
        "payload", "many_rows", "process-pool", also=("loop busy",), times=(1.2, 1.5, 2.0)
    ),
    "coroutine": _hidden("loop blocked", "blocking_driver", "async"),
    "connections": _hidden("contention", "two_connections"),
    "lock": _hidden("contention", "one_lock"),
    "log": _hidden("disk", "commit_log", also=("contention",)),
    "pauses": _hidden("GIL", "paused", rate=150, slo=TIGHT),
    "half": _hidden("pool", "half_computing", "process-pool"),
    "tail": _hidden("too slow", "rarely_slow", rate=400),
    "hanging": _hidden("pool", "hanging", rate=500),
    "own-threads": _hidden("cores", "own_threads"),
    "cache": _hidden("GIL", "cached"),
}  # fmt: skip


def _unseen(cause: str, workload: str, model: str = "thread-pool", **changes: object) -> Plant:
    return Plant(cause, workload, model, (UNSEEN,), **changes)  # type: ignore[arg-type]  # as given


# Held out: no rule and no threshold may be adjusted on these. They are run to find out how often
# a cause is right for work that nobody had in mind.
HELD_OUT = {
    "pieces": _unseen("cores", "pieces"),
    "deflate": _unseen("cores", "deflate"),
    "sorts": _unseen("GIL", "sorts"),
    "semaphore": _unseen("contention", "three_at_a_time", "async"),
    "partly-locked": _unseen("contention", "partly_locked"),
    "consumer": _unseen("contention", "one_consumer"),
    "database": Plant("contention", "postgres", "thread-pool", ("--threads=32",)),
    "database-in-coroutines": Plant("contention", "postgres", "async"),
    "one-blocking-call": _unseen("loop blocked", "one_blocking_call", "async"),
    "two-megabytes": _unseen("payload", "two_megabytes", "process-pool", also=("loop busy",)),
    "one-process": Plant("pool", "sleep", "process-pool", ("--processes=1",), {"ms": "30"}),
    "four-threads": Plant("pool", "sleep", "thread-pool", ("--threads=4",), {"ms": "25"}),
}
