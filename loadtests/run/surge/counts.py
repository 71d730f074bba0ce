"""The course of one surge: what became of the requests of each phase, and of each second."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

from loadtests.trial.tally import good, percentile_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtests.load.answer import Answer
    from loadtests.slo import Slo

_FATES = {"refused": "refused", "expired": "refused", "unfinished": "gave_up"}


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """What became of requests, by their intended start.

    `good` were answered rightly within the SLO, `late` rightly but too late, `refused` with 503 or
    504; `gave_up` waited until their clients hung up; `failed` is all else.
    """

    offered: int
    good: int = 0
    late: int = 0
    refused: int = 0
    gave_up: int = 0
    failed: int = 0

    @property
    def share(self) -> float:
        """Divide what was good by what was offered."""
        return self.good / self.offered if self.offered else 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """One phase of the load, and what became of it; p99 is that of the right answers alone."""

    name: str
    start_s: float
    duration_s: float
    rate: float
    counts: OutcomeCounts
    p99_ms: float | None

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def goodput(self) -> float:
        return self.counts.good / self.duration_s

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "counts": OutcomeCounts(**data["counts"])})


def stretches(
    answers: Sequence[Answer],
    names: Sequence[str],
    phases: Sequence[tuple[float, float]],
    slo: Slo,
) -> tuple[Stretch, ...]:
    """Sum up each phase, given as its rate and its duration, one after the other."""
    starts = accumulate((seconds for _, seconds in phases), initial=0.0)
    found = []
    for name, start, (rate, seconds) in zip(names, starts, phases, strict=False):
        part = [one for one in answers if start <= one.intended_s < start + seconds]
        times = sorted(_took(one) for one in part if one.outcome == "ok")
        p99 = percentile_ms(times, 99)
        found.append(Stretch(name, start, seconds, rate, counts(part, slo), p99))
    return tuple(found)


def seconds(answers: Sequence[Answer], duration_s: float, slo: Slo) -> tuple[OutcomeCounts, ...]:
    """Count what became of the requests of each second."""
    parts: list[list[Answer]] = [[] for _ in range(round(duration_s))]
    for one in answers:
        if 0 <= one.intended_s < duration_s:
            parts[int(one.intended_s)].append(one)
    return tuple(counts(part, slo) for part in parts)


def counts(answers: Sequence[Answer], slo: Slo) -> OutcomeCounts:
    return OutcomeCounts(len(answers), **Counter(_fate(one, slo) for one in answers))


def waiting(answers: Sequence[Answer], at_s: float, patience_s: float) -> int:
    """Count the clients that waited for an answer at one moment."""
    return sum(
        one.sent_s is not None
        and one.sent_s <= at_s < one.intended_s + patience_s
        and (one.ended_s is None or one.ended_s > at_s)
        for one in answers
    )


def columns(series: Sequence[OutcomeCounts]) -> dict[str, list[int]]:
    """Write a series by columns, as a run file keeps it."""
    names = [field.name for field in fields(OutcomeCounts)]
    return {name: [getattr(one, name) for one in series] for name in names}


def rows(data: Mapping[str, Sequence[int]]) -> tuple[OutcomeCounts, ...]:
    """Read what `columns` wrote."""
    return tuple(
        OutcomeCounts(**dict(zip(data, values, strict=True)))
        for values in zip(*data.values(), strict=True)
    )


def _fate(one: Answer, slo: Slo) -> str:
    if one.outcome == "ok":
        return "good" if good(one, slo) else "late"
    return _FATES.get(one.outcome, "failed")


def _took(one: Answer) -> float:
    assert one.ended_s is not None
    return one.ended_s - one.intended_s
