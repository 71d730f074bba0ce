"""Where the time of requests went: of typical ones, and of late ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import NamedTuple

from loadtests.load.answer import READ_EVERY, Answer, Stages
from loadtests.slo import Slo

MOST_ERRORS = 5  # different messages, the most frequent ones


class Where(NamedTuple):
    """Where the time of one trial went, its settling included."""

    typical: Stages | None  # means of all answers
    late: Stages | None  # and of the late ones alone
    errors: dict[str, int]
    completed: float = 0.0  # right answers per second while the load ran
    ran_p50_s: float | None = None  # median of the runs of all answers
    ran_too_long: float | None = None  # share of them whose run alone exceeded the bound


NOWHERE = Where(None, None, {})


def mean(stages: Sequence[Stages]) -> Stages | None:
    """Average stage by stage; None for an empty sequence."""
    return Stages(*map(fmean, zip(*stages, strict=True))) if stages else None


def where(answers: Iterable[Answer], slo: Slo, begin_s: float, duration_s: float) -> Where:
    """Sum up all answers, settling included, because a trial that breaks may be short.

    The load began at `begin_s`, which is negative where it settled.
    """
    completed = 0
    in_time: list[Stages] = []
    late: list[Stages] = []
    errors: Counter[str] = Counter()
    for answer in answers:
        if answer.outcome == "ok" and answer.ended_s is not None and answer.ended_s <= duration_s:
            completed += 1
        if answer.error and answer.outcome == "failed":
            errors[answer.error] += 1
        if answer.stages is not None and answer.ended_s is not None:
            is_late = answer.ended_s - answer.intended_s > slo.bound_s
            (late if is_late else in_time).append(answer.stages)
    # All late answers are read, but only some of the others: this gives both their true weight.
    typical = [*in_time, *late[::READ_EVERY]]
    seconds = duration_s - begin_s
    ran = [stages.ran for stages in typical]
    return Where(
        mean(typical),
        mean(late),
        dict(errors.most_common(MOST_ERRORS)),
        completed / seconds if seconds > 0 else 0.0,
        median(ran) if ran else None,
        sum(time > slo.bound_s for time in ran) / len(ran) if ran else None,
    )
