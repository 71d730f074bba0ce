"""Judge one trial: whether it passed, failed or is void, and why.

The rules for a generator that was late, sent too little or was itself too busy stand here alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.slo import Slo, beyond_chance
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


def judge(trial: Trial, slo: Slo) -> Verdict:
    """Decide whether a trial is valid, and if so, whether it passed.

    It fails only if more requests of the work or of the bystander were lost than the objective
    allows, regardless of how long it lasted.
    """
    loss_ratio = trial.work.loss_ratio
    generator = flaws(trial.work, trial.bystander, trial.generator_cpu, slo)
    if void := (*trial.disturbances, *generator):  # which may be why the generator was late
        return Verdict(False, False, void, None, loss_ratio)
    failures = dict(_failures(trial, slo))
    first = next(iter(failures), None)
    return Verdict(True, not failures, tuple(failures.values()), first, loss_ratio)


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
        "Give the server fewer processes, relax the SLO (--slo), or generate the "
        "load on another machine (--host)."
    )


def _failures(trial: Trial, slo: Slo) -> Iterator[tuple[str, str]]:
    work, bystander = trial.work, trial.bystander
    if not slo.allows(work.lost, work.scheduled):
        yield max(LOSSES, key=lambda kind: getattr(work, kind)), _loss_sentence(work, slo)
    if not slo.allows(bystander.lost, bystander.scheduled):
        yield "bystander", f"The bystander was starved: {_loss_sentence(bystander, slo)}"


def _loss_sentence(stream: Tally, slo: Slo) -> str:
    parts = [f"{getattr(stream, kind)} {kind}" for kind in LOSSES if getattr(stream, kind)]
    return (
        f"{stream.lost} of {stream.scheduled} requests were lost ({', '.join(parts)}): "
        f"{stream.loss_ratio:.2%}; {slo} allows {slo.loss_ratio:.2%}."
    )
