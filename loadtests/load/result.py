"""What became of a load, as data; that of several processes is told as that of a single one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from loadtests.load.spec import SETTLE_S, Drawn
from loadtests.slo import Slo
from loadtests.trial.backlog import backlog
from loadtests.trial.stages import where
from loadtests.trial.tally import Answer, tally
from loadtests.trial.verdict import Trial


@dataclass(frozen=True, slots=True)
class Offered:
    """The answers of each stream, in the order of the streams, settling included.

    `generator_cpu` is a share of one core, `cpu_s` what all generators used. `reached_s` is the
    duration, or what an early end left of it. `zero` is the monotonic time at which the measured
    window began.
    """

    streams: tuple[tuple[Answer, ...], ...]
    generator_cpu: float
    reached_s: float
    early: bool
    drained: bool
    zero: float = 0.0
    cpu_s: float = 0.0


def merge(parts: Sequence[Offered], zero: float) -> Offered:
    """Join the shares of several processes: each has to be fast enough, so the worst one counts.

    What an early end leaves is what all of them have reached.
    """
    streams = zip(*(part.streams for part in parts), strict=True)
    return Offered(
        streams=tuple(_in_order(chain.from_iterable(shares)) for shares in streams),
        generator_cpu=max(part.generator_cpu for part in parts),
        reached_s=min(part.reached_s for part in parts),
        early=any(part.early for part in parts),
        drained=all(part.drained for part in parts),
        zero=zero,
        cpu_s=sum(part.cpu_s for part in parts),
    )


def never_offered(drawn: Sequence[Drawn], duration_s: float) -> Offered:
    """Say of the share of a process that has vanished that it was not sent: nobody knows more."""
    streams = tuple(
        tuple(Answer(start, None, None, "unsent") for start in (*one.settling, *one.measured))
        for one in drawn
    )
    return Offered(streams, 0.0, duration_s, early=False, drained=True)


def trial_of(cell: tuple[str, str], rate: float, offered: Offered, slo: Slo) -> Trial:
    """Count a load whose first stream is the work and whose second is the bystander."""
    reached_s, early = offered.reached_s, offered.early
    work, bystander = (tally(one, slo, reached_s, short=early) for one in offered.streams)
    return Trial(
        workload=cell[0],
        model=cell[1],
        rate=rate,
        duration_s=reached_s,
        work=work,
        bystander=bystander,
        backlog=backlog(offered.streams[0], slo, reached_s),
        drained=offered.drained,
        generator_cpu=offered.generator_cpu,
        short=early,
        where=where(offered.streams[0], slo, -SETTLE_S, reached_s),
        generators_s=offered.cpu_s,
    )


def measured(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Leave out the settling."""
    return tuple(answer for answer in answers if answer.intended_s >= 0)


def _in_order(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    return tuple(sorted(answers, key=lambda answer: answer.intended_s))
