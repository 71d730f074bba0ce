"""The time stamps of one call, taken where the work runs.

CLOCK_MONOTONIC is the same clock for all processes of a host, so stamps of a worker and of the
server can be subtracted. Standard library only, because workers import this.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, NamedTuple


class Ran(NamedTuple):
    """A worker's report of one call; a plain tuple, because it is sent every time."""

    started: float
    finished: float
    cpu: float | None  # seconds of the worker's thread; None if unknown
    pid: int
    thread: str
    result: Any
    failure: tuple[str, str] | None  # type and message of what the work raised


class Timeline:
    """Where the time of one request went, in seconds; the stages of a mixed workload add up.

    accepted → requested → (queued) → granted → (dispatched) → started → (ran) → finished →
    (resumed)
    """

    __slots__ = (
        "accepted",
        "cpu",
        "dispatched",
        "granted",
        "pid",
        "queued",
        "ran",
        "requested",
        "resumed",
        "thread",
        "total",
    )

    def __init__(self) -> None:
        self.accepted = self.requested = self.granted = monotonic()
        self.queued = self.dispatched = self.ran = self.resumed = self.total = 0.0
        self.cpu: float | None = 0.0
        self.pid = 0
        self.thread = ""

    def stage(self, ran: Ran) -> None:
        """Add a stage that has just returned to the event loop."""
        self.queued += self.granted - self.requested
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

        Both at once, because formatting numbers is most of what an answer costs the server.
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
