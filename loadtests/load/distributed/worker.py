"""A worker's side of a load that several processes offer: its share, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import AsyncResult

from loadtests.load.distributed.members import boot_id
from loadtests.load.result import LoadResult
from loadtests.load.source import Heard, InProcess
from loadtests.load.spec import LoadSpec, share

if TYPE_CHECKING:
    from locust.runners import WorkerRunner

TO_WORKERS, TO_MASTER = "loadbearing-order", "loadbearing-word"
ALIVE_S = 0.1  # between two words on how it goes
WAIT_S = 30.0  # for the word to go: other workers may be slow to get ready
CHUNK = 5000  # answers in a message, of some 50 bytes each


class _Job:
    """One order on its way."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.go: Any = AsyncResult()
        self.ended = False
        self.losses: list[int] = []

    def lost(self, losses: list[int]) -> bool:
        """Keep what is lost so far; tells whether the master has seen enough."""
        self.losses = losses
        return self.ended


class Worker:
    """Does what the master orders; requests count in Locust's own tables as all others do."""

    def __init__(self, runner: WorkerRunner, heard: Heard) -> None:
        self._runner = runner
        self._local = InProcess(heard)
        self._job: _Job | None = None
        self._doing: gevent.Greenlet[..., None] | None = None
        runner.register_message(TO_WORKERS, self._told)

    def drop(self) -> None:
        """Leave whatever is being done, and its requests."""
        if self._doing is not None:
            self._doing.kill()
        self._doing = self._job = None

    def _told(self, msg: Any, **_: Any) -> None:
        said = msg.data
        match said["do"]:
            case "prepare":
                self.drop()
                self._job = _Job(said["number"])
                self._doing = gevent.spawn(self._do, self._job, said)
            case "go" if self._job and self._job.number == said["number"]:
                self._job.go.set(said)
            case "end" if self._job and self._job.number == said["number"]:
                self._job.ended = True
            case "drop":
                self.drop()
            case "rest":
                self._local.rest()

    def _do(self, job: _Job, said: dict[str, Any]) -> None:
        if "order" in said:
            self._offer(job, LoadSpec.load(said["order"]))
        else:
            self._probe(job, *said["probe"])

    def _offer(self, job: _Job, order: LoadSpec) -> None:
        drawn = order.drawn()
        go = self._word_to_go(job)
        zero = _zero(go)
        mine = share(drawn, go["index"], go["of"])
        with self._alive(job):
            offered = self._local.offer_drawn(order, mine, zero, job.lost)
            self._report(job, offered)

    def _probe(self, job: _Job, url: str, path: str, duration_s: float, clients: int) -> None:
        zero = _zero(self._word_to_go(job))
        with self._alive(job):
            gevent.sleep(max(0.0, zero - monotonic()))
            rate = self._local.probe(url, path, duration_s, clients)
            self._say(job, rate=rate)

    def _word_to_go(self, job: _Job) -> dict[str, Any]:
        self._say(job, ready=[boot_id(), monotonic()])
        said: dict[str, Any] = job.go.get(timeout=WAIT_S)
        return said

    def _report(self, job: _Job, offered: LoadResult) -> None:
        for number, answers in enumerate(offered.streams):
            for at in range(0, max(1, len(answers)), CHUNK):
                self._say(job, stream=number, answers=answers[at : at + CHUNK])
                gevent.sleep(0)
        rest = [offered.generator_cpu, offered.reached_s, offered.early, offered.drained]
        rest += [offered.zero, offered.cpu_s]
        self._say(job, rest=rest)

    @contextmanager
    def _alive(self, job: _Job) -> Iterator[None]:
        """Say again and again that it goes on, and how."""

        def say() -> None:
            while True:
                self._say(job, losses=job.losses)
                gevent.sleep(ALIVE_S)

        saying = gevent.spawn(say)
        try:
            yield
        finally:
            saying.kill()

    def _say(self, job: _Job, **said: Any) -> None:
        self._runner.send_message(TO_MASTER, {"number": job.number, **said})


def _zero(go: dict[str, Any]) -> float:
    """When the measured window begins, on this process's clock."""
    zero: float = go["zero"] if "zero" in go else monotonic() + go["lead_s"]
    return zero
