"""Read from answers where their time went, and tell typical requests from late ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from loadtests.load.answer import READ_EVERY, Stages

if TYPE_CHECKING:
    from loadtests.load.answer import Answer
    from loadtests.slo import Slo

MOST_ERRORS = 5  # different messages, the most frequent ones


class Where(NamedTuple):
    """Where the time of one trial went: mean stages of its answers, and of the late ones alone.

    `completed` are right answers per second while the load ran, its settling included.
    """

    typical: Stages | None
    late: Stages | None
    errors: dict[str, int]
    completed: float = 0.0


NOWHERE = Where(None, None, {})


def mean(each: Sequence[Stages]) -> Stages | None:
    """Average stage by stage; None for nothing."""
    return Stages(*map(fmean, zip(*each, strict=True))) if each else None


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
    typical = [*in_time, *late[::READ_EVERY]]
    seconds = duration_s - begin_s
    return Where(
        mean(typical),
        mean(late),
        dict(errors.most_common(MOST_ERRORS)),
        completed / seconds if seconds > 0 else 0.0,
    )
