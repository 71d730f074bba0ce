"""The master's side of a load that several processes offer: it orders, and joins what they say.

Each worker draws the whole schedule and sends every n-th request of it, so all together send what
one process would. On one machine they share the monotonic clock, and the master names the moment
of the first arrival. A worker elsewhere counts from the moment that the word to go comes in: its
arrivals are then late as a whole by the time of one message, a fraction of a millisecond in a
local network; they are as evenly and as punctually spaced as all others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import gevent

from loadtests.errors import ServiceError, WorkersGone
from loadtests.load.distributed.members import Job, WorkerShare
from loadtests.load.distributed.worker import TO_MASTER, TO_WORKERS
from loadtests.load.result import LoadResult, merge, never_offered
from loadtests.load.source import PROBE_CLIENTS, PROBE_END_S, Over, nobody
from loadtests.load.spec import LOOK_S, LoadSpec, share

if TYPE_CHECKING:
    from locust.runners import MasterRunner

READY_S = 10.0  # for the drawing of long schedules
LEAD_S = 0.2  # between the word to go and the first arrival
MISSING = "missing"  # Locust's own word for a worker whose heartbeats have ceased

log = logging.getLogger("loadbearing")


class DistributedLoad(NamedTuple):
    """What is under way: how many requests of each stream, from when on, and whom to tell of it."""

    order: LoadSpec
    planned: list[int]
    zero: float
    over: Over


class Master:
    """All workers of a master. Raises Deserted once there is none."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._number = 0
        self._crew: Job | None = None
        runner.register_message(TO_MASTER, self._hear)

    @property
    def processes(self) -> int:
        return len(self._present())

    def offer(self, order: LoadSpec, over: Over = nobody) -> LoadResult:
        """Offer it with all workers that are there; the share of one that vanishes is unsent."""
        crew = self._call(self._present(), {"order": order.dump()})
        drawn = order.drawn()  # as all of them do at this moment
        members = self._gathered(crew, order.url)
        zero = self._go(crew, members, order.settle_s)
        planned = [len(one.measured) for one in drawn]
        self._attend(DistributedLoad(order, planned, zero, over), crew, members)
        parts = [
            one.offered() or never_offered(share(drawn, index, len(members)), order.duration_s)
            for index, one in enumerate(members)
        ]
        return merge(parts, zero)

    def saturation(
        self, url: str, path: str, duration_s: float, processes: int | None = None
    ) -> float:
        """Answers per second to as many clients in a closed loop as one process would have.

        `processes` bounds how many workers have these clients among them.
        """
        names = self._present()[:processes]
        clients = max(1, PROBE_CLIENTS // max(1, len(names)))
        crew = self._call(names, {"probe": [url, path, duration_s, clients]})
        members = self._gathered(crew, url)
        self._go(crew, members, 0.0)
        deadline = monotonic() + LEAD_S + duration_s + PROBE_END_S + READY_S
        while monotonic() < deadline and not self._over(members):
            gevent.sleep(LOOK_S)
        return sum(one.rate for one in members)

    def rest(self) -> None:
        self._tell(self._present(), {"do": "rest"})

    def _present(self) -> list[str]:
        return [one.id for one in self._runner.clients.all if one.state != MISSING]

    def _call(self, names: list[str], job: dict[str, Any]) -> Job:
        """Have workers prepare for it."""
        self._number += 1
        self._crew = crew = Job(self._number, names)
        self._tell(names, {"do": "prepare", "number": crew.number, **job})
        return crew

    def _gathered(self, crew: Job, url: str) -> list[WorkerShare]:
        """Wait for those that are ready; who is not in time has no share."""
        deadline = monotonic() + READY_S
        while monotonic() < deadline and not all(
            one.ready or self._gone(one) for one in crew.members.values()
        ):
            gevent.sleep(0.005)
        members = [one for one in crew.members.values() if one.ready]
        for one in crew.members.values():
            if one not in members:
                log.warning("worker %s does not answer; the load is left to the others", one.name)
        if not members:
            raise WorkersGone
        if any(one.elsewhere for one in members) and _loopback(url):
            raise ServiceError(
                f"workers on other machines cannot reach {url}, which is an address within this "
                "one; start a server that they can reach, and measure it with --host and "
                "--running-service"
            )
        return members

    def _go(self, crew: Job, members: list[WorkerShare], settle_s: float) -> float:
        """Give each its share, and the moment to begin; returns the monotonic time of zero."""
        zero = monotonic() + LEAD_S + settle_s
        for index, one in enumerate(members):
            one.heard_at = monotonic()
            word = {"do": "go", "number": crew.number, "index": index, "of": len(members)}
            at = {"zero": zero} if one.beside else {"lead_s": zero - monotonic()}
            self._tell([one.name], {**word, **at})
        return zero

    def _attend(self, load: DistributedLoad, crew: Job, members: list[WorkerShare]) -> None:
        """Wait until all workers are done or gone; end the load once it is lost."""
        ended = False
        while not self._over(members):
            gevent.sleep(LOOK_S)
            losses = [sum(some) for some in zip(*(one.losses for one in members), strict=False)]
            early = load.order.lost(load.planned, losses)
            if not ended and (early or monotonic() >= load.zero + load.order.duration_s):
                ended = True
                if early:
                    self._tell([one.name for one in members], {"do": "end", "number": crew.number})
                load.over()
        if not ended:
            load.over()
        for one in members:
            if not one.done:
                log.warning("worker %s has vanished; its share counts as never sent", one.name)
                self._tell([one.name], {"do": "drop"})  # in case that it only was silent

    def _over(self, members: Iterable[WorkerShare]) -> bool:
        return all(one.done or self._gone(one) for one in members)

    def _gone(self, member: WorkerShare) -> bool:
        client = self._runner.clients.get(member.name)
        return client is None or client.state == MISSING or member.silent

    def _tell(self, names: Iterable[str], data: dict[str, Any]) -> None:
        for name in names:
            if name in self._runner.clients:
                self._runner.send_message(TO_WORKERS, data, name)

    def _hear(self, msg: Any, **_: Any) -> None:
        if self._crew is not None:
            self._crew.hear(msg.node_id, msg.data)


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
