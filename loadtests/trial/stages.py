"""Read from answers where their time went, and tell typical requests from late ones."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from loadtests.trial.evidence import Stages

if TYPE_CHECKING:
    from loadtests.slo import Slo
    from loadtests.trial.tally import Answer

EACH = 4  # of so many answers in time, one is read: reading costs the generator as much as sending
MOST_ERRORS = 5  # different messages, the most frequent ones


class Told(NamedTuple):
    """What an answer says of the run behind it: seconds of its stages, and where it ran.

    `cpu` is None where the service cannot tell it apart.
    """

    queued: float
    started: float
    ran: float
    cpu: float | None
    resumed: float
    total: float
    pid: int
    thread: str


class Where(NamedTuple):
    """Where the time of one trial went: mean stages of its answers, and of the late ones alone.

    `completed` are right answers per second while the load ran, its settling included.
    """

    typical: Stages | None
    late: Stages | None
    errors: dict[str, int]
    completed: float = 0.0


NOWHERE = Where(None, None, {})


def told(body: bytes) -> Told | None:
    """Read an answer of the contract; None for a body that says nothing of its stages."""
    try:
        answer = json.loads(body)
        ms, worker = answer["ms"], answer["worker"]
        times = [ms[name] for name in ("queued", "started", "ran", "cpu", "resumed", "total")]
        queued, started, ran, cpu, resumed, total = (
            None if one is None else float(one) / 1e3 for one in times
        )
        return Told(
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


def stages(said: Told, lag_s: float, service_s: float) -> Stages:
    """Divide the response of a request that was sent `lag_s` late and took `service_s` from then.

    A coroutine shares its thread with others, so its CPU time is unknown: it counts as waiting.
    """
    on_cpu = min(said.cpu or 0.0, said.ran)
    known = said.queued + said.started + said.ran + said.resumed
    return Stages(
        lag=max(lag_s, 0.0),
        outside=max(service_s - known, 0.0),
        queued=said.queued,
        dispatched=said.started,
        on_cpu=on_cpu,
        off_cpu=said.ran - on_cpu,
        back=said.resumed,
    )


def mean(each: Sequence[Stages]) -> Stages | None:
    """Average stage by stage; None for nothing."""
    return Stages(*map(fmean, zip(*each, strict=True))) if each else None


def worth_reading(slo: "Slo") -> Callable[[float], bool]:
    """Choose the answers to read, by their response time in seconds: all late ones, some others."""
    count = 0

    def wanted(took_s: float) -> bool:
        nonlocal count
        count += 1
        return took_s > slo.bound_s or count % EACH == 0

    return wanted


def where(answers: Iterable["Answer"], slo: "Slo", begin_s: float, duration_s: float) -> Where:
    """Say where the time of all answers went, settling included: a lost trial may be short.

    The load began at `begin_s`, which is before 0 where it settled.
    """
    completed = 0
    in_time: list[Stages] = []
    late: list[Stages] = []
    errors: Counter[str] = Counter()
    for one in answers:
        if one.outcome == "ok" and one.ended_s is not None and one.ended_s <= duration_s:
            completed += 1
        if one.error and one.outcome == "failed":
            errors[one.error] += 1
        if one.stages is not None and one.ended_s is not None:
            is_late = one.ended_s - one.intended_s > slo.bound_s
            (late if is_late else in_time).append(one.stages)
    # Late ones are all read, the others in part: a typical request is one of each group by weight.
    typical = [*in_time, *late[::EACH]]
    seconds = duration_s - begin_s
    return Where(
        mean(typical),
        mean(late),
        dict(errors.most_common(MOST_ERRORS)),
        completed / seconds if seconds > 0 else 0.0,
    )
