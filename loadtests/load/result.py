"""The result of a load, the same whether one process offered it or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from loadtests.load.answer import Answer
from loadtests.load.spec import StreamStarts


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The answers of each stream, in the order of the streams, settling included.

    `generator_cpu` is a share of one core, `cpu_s` the CPU time of all. `reached_s` is the
    duration, or what an early end left of it. `zero` is the monotonic time at which the measured
    window began. `completed` counts all right answers of the first stream, even those that came
    after an early end.
    """

    streams: tuple[tuple[Answer, ...], ...]
    generator_cpu: float
    reached_s: float
    early: bool
    drained: bool
    zero: float = 0.0
    cpu_s: float = 0.0
    completed: int = 0


def merge(parts: Sequence[LoadResult], zero: float) -> LoadResult:
    """Join the shares of several processes: each has to be fast enough, so the slowest counts.

    After an early end, what all of them have reached counts.
    """
    streams = zip(*(part.streams for part in parts), strict=True)
    return LoadResult(
        streams=tuple(_in_order(chain.from_iterable(shares)) for shares in streams),
        generator_cpu=max(part.generator_cpu for part in parts),
        reached_s=min(part.reached_s for part in parts),
        early=any(part.early for part in parts),
        drained=all(part.drained for part in parts),
        zero=zero,
        cpu_s=sum(part.cpu_s for part in parts),
        completed=sum(part.completed for part in parts),
    )


def never_offered(drawn: Sequence[StreamStarts], duration_s: float) -> LoadResult:
    """Return the share of a process that is gone as never sent, as no more is known of it."""
    streams = tuple(
        tuple(Answer(start, None, None, "unsent") for start in (*starts.settling, *starts.measured))
        for starts in drawn
    )
    return LoadResult(streams, 0.0, duration_s, early=False, drained=True)


def measured(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Leave out the settling."""
    return tuple(answer for answer in answers if answer.intended_s >= 0)


def _in_order(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    return tuple(sorted(answers, key=lambda answer: answer.intended_s))
