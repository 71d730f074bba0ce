"""The master's side of a load that several processes offer: it assigns shares, and joins results.

Each worker draws the whole schedule and sends every n-th request of it, so that together they send
what one process would. On one machine they share the monotonic clock, and the master names the
moment of the first arrival. A worker elsewhere counts from the moment at which the start message
arrives: all of its arrivals are then late by the time of one message, a fraction of a millisecond
in a local network, and spaced as evenly as all others.
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
from loadtests.load.answer import Answer, answer_of
from loadtests.load.distributed.worker import TO_MASTER, TO_WORKERS, boot_id
from loadtests.load.request import RequestSpec
from loadtests.load.result import LoadResult, merge, never_offered
from loadtests.load.source import PROBE_CLIENTS, PROBE_END_S, OnEnd, ignore
from loadtests.load.spec import LOOK_S, LoadSpec, share

if TYPE_CHECKING:
    from locust.runners import MasterRunner

READY_S = 10.0  # for the drawing of long schedules
LEAD_S = 0.2  # between the start message and the first arrival
SILENT_S = 5.0  # a worker sends a message every 0.1 s: after so long it counts as dead
MISSING = "missing"  # Locust's own word for a worker whose heartbeats have ceased

log = logging.getLogger("loadbearing")


class WorkerShare:
    """One worker: whether it is ready, what it has lost, and the result of its share."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = self.done = False
        self.beside = self.elsewhere = False  # on this machine; on another; neither: unknown
        self.losses: list[int] = []
        self.rate = 0.0
        self.asked_at = self.heard_at = monotonic()
        self._streams: list[list[Answer]] = []
        self._rest: tuple[float, float, bool, bool, float, float, int] | None = None

    @property
    def silent(self) -> bool:
        return monotonic() - self.heard_at > SILENT_S

    def take(self, message: dict[str, Any]) -> None:
        """Take in a message of the worker; they may come in any order."""
        self.heard_at = now = monotonic()
        if "ready" in message:
            boot, its_clock = message["ready"]
            own, self.ready = boot_id(), True
            same = boot is not None and boot == own
            self.beside = same and self.asked_at <= its_clock <= now  # one clock, read in between
            self.elsewhere = None not in {boot, own} and not same
        elif "losses" in message:
            self.losses = message["losses"]
        elif "answers" in message:
            while len(self._streams) <= message["stream"]:
                self._streams.append([])
            self._streams[message["stream"]] += map(answer_of, message["answers"])
        elif "rate" in message:
            self.rate, self.done = message["rate"], True
        elif "rest" in message:
            self._rest, self.done = message["rest"], True

    def result(self) -> LoadResult | None:
        """Return the result of its share; None until it is complete."""
        if self._rest is None:
            return None
        return LoadResult(tuple(map(tuple, self._streams)), *self._rest)


class Job:
    """One load or probe, and the workers that share it."""

    def __init__(self, number: int, names: Iterable[str]) -> None:
        self.number = number
        self.workers = {name: WorkerShare(name) for name in names}

    def take(self, name: str, message: dict[str, Any]) -> None:
        """Take in a message of a worker, unless it is about an earlier job."""
        if message["number"] == self.number and name in self.workers:
            self.workers[name].take(message)


class DistributedLoad(NamedTuple):
    """A load under way; `planned` counts the requests of each stream."""

    spec: LoadSpec
    planned: list[int]
    zero: float
    on_end: OnEnd


class Master:
    """All workers as one source of load. Raises WorkersGone once none is left."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._number = 0
        self._job: Job | None = None
        runner.register_message(TO_MASTER, self._receive)

    @property
    def processes(self) -> int:
        return len(self._present())

    def offer(self, spec: LoadSpec, on_end: OnEnd = ignore) -> LoadResult:
        """Offer it with all workers present; the share of one that vanishes counts as unsent."""
        job = self._prepare(self._present(), {"spec": spec.dump()})
        drawn = spec.draw()  # as all workers do at this moment
        workers = self._ready(job, spec.url)
        zero = self._start(job, workers, spec.settle_s)
        planned = [len(stream.measured) for stream in drawn]
        self._attend(DistributedLoad(spec, planned, zero, on_end), job, workers)
        parts = [
            worker.result() or never_offered(share(drawn, index, len(workers)), spec.duration_s)
            for index, worker in enumerate(workers)
        ]
        return merge(parts, zero)

    def saturation(
        self, url: str, request: RequestSpec, duration_s: float, processes: int | None = None
    ) -> float:
        """Answers per second to as many clients in a closed loop as one process would have.

        At most `processes` workers share these clients.
        """
        names = self._present()[:processes]
        clients = max(1, PROBE_CLIENTS // max(1, len(names)))
        job = self._prepare(names, {"probe": [url, request.dump(), duration_s, clients]})
        workers = self._ready(job, url)
        self._start(job, workers, 0.0)
        deadline = monotonic() + LEAD_S + duration_s + PROBE_END_S + READY_S
        while monotonic() < deadline and not self._ended(workers):
            gevent.sleep(LOOK_S)
        return sum(worker.rate for worker in workers)

    def rest(self) -> None:
        self._send(self._present(), {"do": "rest"})

    def _present(self) -> list[str]:
        return [client.id for client in self._runner.clients.all if client.state != MISSING]

    def _prepare(self, names: list[str], work: dict[str, Any]) -> Job:
        self._number += 1
        self._job = job = Job(self._number, names)
        self._send(names, {"do": "prepare", "number": job.number, **work})
        return job

    def _ready(self, job: Job, url: str) -> list[WorkerShare]:
        """Wait until the workers are ready; one that is not in time gets no share."""
        deadline = monotonic() + READY_S
        while monotonic() < deadline and not all(
            worker.ready or self._gone(worker) for worker in job.workers.values()
        ):
            gevent.sleep(0.005)
        ready = [worker for worker in job.workers.values() if worker.ready]
        for worker in job.workers.values():
            if worker not in ready:
                log.warning(
                    "worker %s does not respond; the others take over its load", worker.name
                )
        if not ready:
            raise WorkersGone
        if any(worker.elsewhere for worker in ready) and _loopback(url):
            raise ServiceError(
                f"workers on other machines cannot reach {url}, an address of this machine alone; "
                "start a server that they can reach, and measure it with --host and "
                "--running-service"
            )
        return ready

    def _start(self, job: Job, workers: list[WorkerShare], settle_s: float) -> float:
        """Send each its share and the moment to begin; returns the monotonic time of zero."""
        zero = monotonic() + LEAD_S + settle_s
        for index, worker in enumerate(workers):
            worker.heard_at = monotonic()
            message = {"do": "go", "number": job.number, "index": index, "of": len(workers)}
            at = {"zero": zero} if worker.beside else {"lead_s": zero - monotonic()}
            self._send([worker.name], {**message, **at})
        return zero

    def _attend(self, load: DistributedLoad, job: Job, workers: list[WorkerShare]) -> None:
        """Wait until all workers are done or gone; end the load as soon as it is lost."""
        ended = False
        while not self._ended(workers):
            gevent.sleep(LOOK_S)
            losses = [sum(stream) for stream in zip(*(w.losses for w in workers), strict=False)]
            early = load.spec.lost(load.planned, losses)
            if not ended and (early or monotonic() >= load.zero + load.spec.duration_s):
                ended = True
                if early:
                    names = [worker.name for worker in workers]
                    self._send(names, {"do": "end", "number": job.number})
                load.on_end()
        if not ended:
            load.on_end()
        for worker in workers:
            if not worker.done:
                log.warning("worker %s is gone; its share counts as never sent", worker.name)
                self._send([worker.name], {"do": "drop"})  # in case it was only silent

    def _ended(self, workers: Iterable[WorkerShare]) -> bool:
        return all(worker.done or self._gone(worker) for worker in workers)

    def _gone(self, worker: WorkerShare) -> bool:
        client = self._runner.clients.get(worker.name)
        return client is None or client.state == MISSING or worker.silent

    def _send(self, names: Iterable[str], message: dict[str, Any]) -> None:
        for name in names:
            if name in self._runner.clients:
                self._runner.send_message(TO_WORKERS, message, name)

    def _receive(self, msg: Any, **_: Any) -> None:
        if self._job is not None:
            self._job.take(msg.node_id, msg.data)


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
