"""Observe a service during one load: its `/stats` before and after, its processes from outside."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from time import monotonic, process_time
from typing import NamedTuple

import gevent
import psutil

from loadtests.load.answer import Stamps
from loadtests.load.http import ConnectionPool
from loadtests.machine.platform import cores
from loadtests.service.process import OwnProcess
from loadtests.service.sampler import cpu_s
from loadtests.service.stats import Stats, StatsDelta, delta, read_stats
from loadtests.trial.evidence import Evidence

PATIENCE_S = 10.0  # a blocked loop answers late; after this, nothing is known


class Activity(NamedTuple):
    """What happened between `begin` and `end`; how many cores were busy, None where unknown."""

    change: StatsDelta
    server_cores: float | None
    generator_cores: float


class ServiceWatch:
    """Reads a service when a load begins and when it ends; takes milliseconds each time.

    One that `reports` nothing of itself is only observed from outside.
    """

    def __init__(
        self, url: str, model: str, subject: OwnProcess | None, *, reports: bool = True
    ) -> None:
        self._connections = ConnectionPool(url, PATIENCE_S)
        self._model = model
        self._reports = reports
        self._subject = subject
        self._family: list[psutil.Process] = []
        self._before: Stats | None = None
        self._begun = (0.0, 0.0, 0.0)
        self._ended = (0.0, 0.0, 0.0)
        self._last: gevent.Greenlet[..., Stats | None] | None = None

    def begin(self) -> float | None:
        """Read right before the load; returns the CPU seconds of our server so far.

        None if the server is not ours.
        """
        self._family = self._subject.family() if self._subject else []
        self._last, self._before = None, self._look()
        self._begun = self._clocks()
        return self._begun[-1] if self._family else None

    def end(self) -> None:
        """Read when the load ends, without waiting for the answer, which may be late."""
        self._ended = self._clocks()
        self._last = gevent.spawn(self._look)

    def activity(self) -> Activity:
        """Return the difference, as soon as the service has answered."""
        took, generator, servers = (
            after - before for before, after in zip(self._begun, self._ended, strict=True)
        )
        after = None if self._last is None else self._last.get()  # a finished greenlet is falsy
        return Activity(
            delta(self._before, after, self._model),
            servers / took if self._family and took else None,
            generator / took if took else 0.0,
        )

    def spent_s(self, elsewhere_s: float = 0.0) -> float | None:
        """CPU seconds of generator and server since `begin`; None if the server is not ours.

        `elsewhere_s` are those of generators in other processes.
        """
        if not self._family:
            return None
        _, *now = self._clocks()
        return sum(now) - sum(self._begun[1:]) + elsewhere_s

    def cpu_s(self) -> float:
        """CPU seconds so far of the processes that our server had at the last `begin`."""
        return cpu_s(self._family)

    def close(self) -> None:
        self._connections.close()

    def _clocks(self) -> tuple[float, float, float]:
        return monotonic(), process_time(), cpu_s(self._family)

    def _look(self) -> Stats | None:
        if not self._reports:
            return None
        with suppress(OSError):
            return read_stats(self._connections.get("/stats").body)
        return None


def evidence(activity: Activity, load: Evidence, answers: Iterable[Stamps] = ()) -> Evidence:
    """Add the activity of the service to what is known of the load."""
    counted = asdict(activity.change)
    loops = counted.pop("threads")
    threads = {(answer.pid, answer.thread) for answer in answers if answer.cpu is not None}
    return replace(
        load,
        cores=cores(),
        server_cores=activity.server_cores,
        generator_cores=activity.generator_cores,
        on_loop=load.on_loop or bool(threads & loops),
        **counted,
    )
