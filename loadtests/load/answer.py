"""The outcome of one request, and where its time went, as the service itself reports it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from loadtests.slo import Slo


class Stages(NamedTuple):
    """Where the time of an answered request went, in seconds; the parts add up to its response.

    `lag`: the generator sent it late. `outside`: in transit, in sockets, and until the event loop
    had read it and written its answer. `off_cpu` is the part of its run in which it waited, whether
    for the network, for the GIL, or for a core.
    """

    lag: float = 0.0
    outside: float = 0.0
    queued: float = 0.0
    dispatched: float = 0.0
    on_cpu: float = 0.0
    off_cpu: float = 0.0
    back: float = 0.0

    @property
    def ran(self) -> float:
        return self.on_cpu + self.off_cpu

    @property
    def total(self) -> float:
        return sum(self)


Outcome = Literal["ok", "refused", "expired", "failed", "wrong", "unfinished", "unsent"]


class Answer(NamedTuple):
    """The outcome of one scheduled request; seconds since the start of the measured window.

    `sent_s` is missing if the request was never sent, `ended_s` if it was never answered, and
    `status` if the reply was not HTTP. `stages` are known where the body was read.
    """

    intended_s: float
    sent_s: float | None
    ended_s: float | None
    outcome: Outcome
    status: int | None = None
    stages: Stages | None = None
    error: str | None = None


def answer_of(fields: Sequence[Any]) -> Answer:
    """Restore an answer that was sent as a plain list."""
    answer = Answer(*fields)
    return answer._replace(stages=Stages(*answer.stages)) if answer.stages else answer


READ_EVERY = 4  # answers in time, of which one is read: reading costs as much as sending


class Stamps(NamedTuple):
    """What an answer reports on its run: the seconds of its stages, and where it ran.

    `cpu` is None where the service cannot attribute CPU time to one request.
    """

    queued: float
    started: float
    ran: float
    cpu: float | None
    resumed: float
    total: float
    pid: int
    thread: str


def read_stamps(body: bytes) -> Stamps | None:
    """Read an answer of the contract; None for a body without stages."""
    try:
        answer = json.loads(body)
        ms, worker = answer["ms"], answer["worker"]
        times = [ms[name] for name in ("queued", "started", "ran", "cpu", "resumed", "total")]
        queued, started, ran, cpu, resumed, total = (
            None if value is None else float(value) / 1e3 for value in times
        )
        return Stamps(
            queued or 0.0,
            started or 0.0,
            ran or 0.0,
            cpu,
            resumed or 0.0,
            total or 0.0,
            int(worker["pid"]),
            str(worker["thread"]),
        )
    except (ValueError, LookupError, TypeError):
        return None


def stages_of(stamps: Stamps, lag_s: float, service_s: float) -> Stages:
    """Divide the response time of a request that was sent `lag_s` late and took `service_s`.

    A coroutine shares its thread with others, so its CPU time is unknown: it counts as waiting.
    """
    on_cpu = min(stamps.cpu or 0.0, stamps.ran)
    known = stamps.queued + stamps.started + stamps.ran + stamps.resumed
    return Stages(
        lag=max(lag_s, 0.0),
        outside=max(service_s - known, 0.0),
        queued=stamps.queued,
        dispatched=stamps.started,
        on_cpu=on_cpu,
        off_cpu=stamps.ran - on_cpu,
        back=stamps.resumed,
    )


def worth_reading(slo: Slo) -> Callable[[float], bool]:
    """Choose the answers to read by their response time in seconds: all late ones, some others."""
    count = 0

    def wanted(took_s: float) -> bool:
        nonlocal count
        count += 1
        return took_s > slo.bound_s or count % READ_EVERY == 0

    return wanted
