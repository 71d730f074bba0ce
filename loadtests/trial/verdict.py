"""Judge one trial: valid or void, held or broke, and what broke it.

The rules for a generator that was late, sent too little or was itself too busy stand here alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.slo import Slo, beyond_chance
from loadtests.trial.backlog import HORIZON_S
from loadtests.trial.evidence import GENERATOR_FULL
from loadtests.trial.tally import LOSSES, Tally, lag_allowed_s
from loadtests.trial.trial import Trial

_SENT = 0.999  # the share of the schedule that must be sent
_LAGGED = 0.01  # the share that may be sent late: p99 of the send lag is within its limit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial proves."""

    valid: bool
    held: bool
    reasons: tuple[str, ...]  # sentences with the numbers that decide
    broke_by: str | None
    loss_ratio: float  # of the work
    # Decides every percentile of the same bound: the larger ratio of work and bystander, and 1 if
    # the load is not sustained.
    lost: float


def judge(trial: Trial, slo: Slo) -> Verdict:
    """Decide whether a trial is valid, and if so, whether its load held."""
    loss_ratio = trial.work.loss_ratio
    generator = flaws(trial.work, trial.bystander, trial.generator_cpu, slo)
    void = (*generator, *trial.disturbances, *_undecided(trial, slo))
    if void:
        return Verdict(False, False, void, None, loss_ratio, 1.0)
    breaks = dict(_breaks(trial, slo))
    lost = (
        1.0 if {"backlog", "drain"} & set(breaks) else max(loss_ratio, trial.bystander.loss_ratio)
    )
    first = next(iter(breaks), None)
    return Verdict(True, not breaks, tuple(breaks.values()), first, loss_ratio, lost)


def flaws(
    work: Tally,
    bystander: Tally | None,
    generator_cpu: float,
    slo: Slo,
    *,
    loose: bool = False,
) -> Iterator[str]:
    """Say why a load was not offered as scheduled; nothing if it was. A surge is judged `loose`."""
    for name, stream in (("work", work), ("bystander", bystander)):
        if stream is None:
            continue
        sent = stream.scheduled - stream.unsent
        if sent < _SENT * stream.scheduled:
            yield (
                f"Only {sent} of {stream.scheduled} scheduled {name} requests were sent; "
                f"at least {_SENT:.1%} must be."
            )
        if late := _late(name, stream, sent, slo, loose):
            yield late
    if generator_cpu >= GENERATOR_FULL:
        yield (
            f"The load generator used {generator_cpu:.0%} of a core; from {GENERATOR_FULL:.0%} on, "
            "it is itself the limit."
        )


def _late(name: str, stream: Tally, sent: int, slo: Slo, loose: bool) -> str | None:
    """Say that a stream was sent late: the p99 of its send lag is too long, beyond chance."""
    allowed_ms = 1000 * lag_allowed_s(slo, loose=loose)
    p99_ms = stream.lag_p99_ms or 0.0
    if loose:
        if p99_ms <= allowed_ms:
            return None
        return (
            f"The load generator was late: {p99_ms:.1f} ms behind schedule at p99; "
            f"at most {allowed_ms:g} ms is acceptable."
        )
    if not beyond_chance(stream.lagged, sent, _LAGGED):
        return None
    return (
        f"The load generator was late: {stream.lagged} of {sent} {name} requests left more than "
        f"{allowed_ms:g} ms behind schedule (p99 {p99_ms:.1f} ms); at most {_LAGGED:.0%} may. "
        "Give the server fewer processes (--processes), relax the SLO (--slo), or generate the "
        "load on another machine (--host)."
    )


def _undecided(trial: Trial, slo: Slo) -> Iterator[str]:
    if trial.short and all(slo.allows(s.lost, s.scheduled) for s in (trial.work, trial.bystander)):
        yield f"It ended after {trial.duration_s:.1f} s, before the outcome was certain."


def _breaks(trial: Trial, slo: Slo) -> Iterator[tuple[str, str]]:
    work, bystander, growth = trial.work, trial.bystander, trial.backlog
    if not slo.allows(work.lost, work.scheduled):
        yield max(LOSSES, key=lambda kind: getattr(work, kind)), _loss_sentence(work, slo)
    if not slo.allows(bystander.lost, bystander.scheduled):
        yield "bystander", f"The bystander was starved: {_loss_sentence(bystander, slo)}"
    if trial.short:
        return
    if growth.grows:
        yield (
            "backlog",
            f"Work piles up: {growth.start} requests in flight grew to {growth.end}, by "
            f"{growth.per_s:.1f} ± {growth.error_per_s:.1f} per second; after "
            f"{HORIZON_S:.0f} s an answer would take {growth.forecast_ms:.0f} ms.",
        )
    if not trial.drained:
        yield "drain", "It did not drain: requests were still in flight after the drain time."


def _loss_sentence(stream: Tally, slo: Slo) -> str:
    parts = [f"{getattr(stream, kind)} {kind}" for kind in LOSSES if getattr(stream, kind)]
    return (
        f"{stream.lost} of {stream.scheduled} requests were lost ({', '.join(parts)}): "
        f"{stream.loss_ratio:.2%}; {slo} allows {slo.loss_ratio:.2%}."
    )
