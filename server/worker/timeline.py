"""The stamps of one call, taken where the work runs.

CLOCK_MONOTONIC is one clock for all processes of a host, so a worker's stamps and the server's
can be subtracted. Workers import this module: standard library only.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, NamedTuple


class Ran(NamedTuple):
    """What a worker says of one piece of work; a plain tuple, since it is pickled every time.

    `cpu` is the CPU time of the worker's thread in seconds, None where it cannot be told apart.
    `failure` is (type, message) of what the work raised, and then `result` is None.
    """

    started: float
    finished: float
    cpu: float | None
    pid: int
    thread: str
    result: Any
    failure: tuple[str, str] | None


class Timeline:
    """Where the time of one call went, in seconds; several stages add up.

    accepted → asked → (queued) → granted → (dispatched) → started → (ran) → finished → (resumed)
    """

    __slots__ = (
        "accepted",
        "asked",
        "cpu",
        "dispatched",
        "granted",
        "pid",
        "queued",
        "ran",
        "resumed",
        "thread",
        "total",
    )

    def __init__(self) -> None:
        self.accepted = self.asked = self.granted = monotonic()
        self.queued = self.dispatched = self.ran = self.resumed = self.total = 0.0
        self.cpu: float | None = 0.0
        self.pid = 0
        self.thread = ""

    def stage(self, ran: Ran) -> None:
        """Add one stage that has just come back to the event loop."""
        self.queued += self.granted - self.asked
        self.dispatched += ran.started - self.granted
        self.ran += ran.finished - ran.started
        self.cpu = None if ran.cpu is None or self.cpu is None else self.cpu + ran.cpu
        self.resumed += monotonic() - ran.finished
        self.pid = ran.pid
        self.thread = ran.thread

    def close(self) -> None:
        self.total = monotonic() - self.accepted

    def shown(self) -> tuple[str, str]:
        """The stages in milliseconds: as a JSON object, and as a Server-Timing header.

        Both at once, since writing numbers is most of what an answer costs the server.
        """
        queued, started, ran, resumed, total = (
            f"{self.queued * 1e3:.3f}",
            f"{self.dispatched * 1e3:.3f}",
            f"{self.ran * 1e3:.3f}",
            f"{self.resumed * 1e3:.3f}",
            f"{self.total * 1e3:.3f}",
        )
        if self.cpu is None:
            cpu, cpu_metric = "null", ""
        else:
            cpu = f"{self.cpu * 1e3:.3f}"
            cpu_metric = f"cpu;dur={cpu}, "
        return (
            f'{{"queued": {queued}, "started": {started}, "ran": {ran}, "cpu": {cpu}, '
            f'"resumed": {resumed}, "total": {total}}}',
            f"queued;dur={queued}, started;dur={started}, ran;dur={ran}, {cpu_metric}"
            f"resumed;dur={resumed}, total;dur={total}",
        )
