"""A worker's side of a load that several processes offer: it sends its share, and reports on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import AsyncResult

from loadtests.load.request import RequestSpec
from loadtests.load.result import LoadResult
from loadtests.load.source import InProcess, Listener
from loadtests.load.spec import LoadSpec, share

if TYPE_CHECKING:
    from locust.runners import WorkerRunner

TO_WORKERS, TO_MASTER = "loadbearing-job", "loadbearing-report"  # Locust's names of our messages
ALIVE_S = 0.1  # between two messages on progress
WAIT_S = 30.0  # for the start message: other workers may be slow to get ready
CHUNK = 5000  # answers in a message, of some 50 bytes each
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str | None:
    """Identify this boot of this machine, whose processes share a monotonic clock (Linux only)."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None


class _Assignment:
    """The share of one job that this worker has."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.start: Any = AsyncResult()
        self.ended = False
        self.losses: list[int] = []

    def lost(self, losses: list[int]) -> bool:
        """Keep the losses so far; returns whether the master has ended the load."""
        self.losses = losses
        return self.ended


class Worker:
    """Does what the master requests; `listener` is called with each request that has ended."""

    def __init__(self, runner: WorkerRunner, listener: Listener) -> None:
        self._runner = runner
        self._source = InProcess(listener)
        self._assignment: _Assignment | None = None
        self._greenlet: gevent.Greenlet[..., None] | None = None
        runner.register_message(TO_WORKERS, self._receive)

    def drop(self) -> None:
        """Leave whatever is under way, and its requests."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._greenlet = self._assignment = None

    def _receive(self, msg: Any, **_: Any) -> None:
        message, current = msg.data, self._assignment
        match message["do"]:
            case "prepare":
                self.drop()
                self._assignment = _Assignment(message["number"])
                self._greenlet = gevent.spawn(self._do, self._assignment, message)
            case "go" if current and current.number == message["number"]:
                current.start.set(message)
            case "end" if current and current.number == message["number"]:
                current.ended = True
            case "drop":
                self.drop()
            case "rest":
                self._source.rest()

    def _do(self, assignment: _Assignment, message: dict[str, Any]) -> None:
        if "spec" in message:
            self._offer(assignment, LoadSpec.load(message["spec"]))
        else:
            self._probe(assignment, *message["probe"])

    def _offer(self, assignment: _Assignment, spec: LoadSpec) -> None:
        drawn = spec.draw()
        start = self._wait_for_start(assignment)
        zero = _zero(start)
        own = share(drawn, start["index"], start["of"])
        with self._alive(assignment):
            self._report(assignment, self._source.offer_drawn(spec, own, zero, assignment.lost))

    def _probe(  # a message of the master
        self,
        assignment: _Assignment,
        url: str,
        request: dict[str, Any],
        duration_s: float,
        clients: int,
    ) -> None:
        zero = _zero(self._wait_for_start(assignment))
        with self._alive(assignment):
            gevent.sleep(max(0.0, zero - monotonic()))
            spec = RequestSpec.load(request)
            rate = self._source.probe(url, spec, duration_s, clients)
            self._send(assignment, rate=rate)

    def _wait_for_start(self, assignment: _Assignment) -> dict[str, Any]:
        self._send(assignment, ready=[boot_id(), monotonic()])
        message: dict[str, Any] = assignment.start.get(timeout=WAIT_S)
        return message

    def _report(self, assignment: _Assignment, result: LoadResult) -> None:
        for number, answers in enumerate(result.streams):
            for at in range(0, max(1, len(answers)), CHUNK):
                self._send(assignment, stream=number, answers=answers[at : at + CHUNK])
                gevent.sleep(0)
        rest = [result.generator_cpu, result.reached_s, result.early, result.drained]
        rest += [result.zero, result.cpu_s, result.completed]
        self._send(assignment, rest=rest)

    @contextmanager
    def _alive(self, assignment: _Assignment) -> Iterator[None]:
        """Report progress again and again, so that the master knows that this worker lives."""

        def report() -> None:
            while True:
                self._send(assignment, losses=assignment.losses)
                gevent.sleep(ALIVE_S)

        reporting = gevent.spawn(report)
        try:
            yield
        finally:
            reporting.kill()

    def _send(self, assignment: _Assignment, **message: Any) -> None:
        self._runner.send_message(TO_MASTER, {"number": assignment.number, **message})


def _zero(start: dict[str, Any]) -> float:
    """Return the start of the measured window on this process's clock."""
    zero: float = start["zero"] if "zero" in start else monotonic() + start["lead_s"]
    return zero
