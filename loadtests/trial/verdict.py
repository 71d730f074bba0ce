"""Judge one trial: valid or void, held or broke, and what broke it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.slo import beyond_chance
from loadtests.trial.backlog import HORIZON_S
from loadtests.trial.evidence import GENERATOR_FULL
from loadtests.trial.tally import LOSSES, Tally, lag_allowed_s
from loadtests.trial.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.slo import Slo


_SENT = 0.999  # the share of the schedule that a generator must have sent
_LAGGED = 0.01  # the share that may leave late: p99 of the send lag within its bound


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial proves; the reasons are sentences with the numbers that decide.

    `loss_ratio` is that of the work. `lost` is the ratio that decides every percentile of the
    same bound: the larger of work and bystander, and all of it if the load is not sustained.
    """

    valid: bool
    held: bool
    reasons: tuple[str, ...]
    broke_by: str | None
    loss_ratio: float
    lost: float


def judge(trial: Trial, slo: "Slo") -> Verdict:
    """Decide whether a trial is valid, and if so, whether its load was borne."""
    loss_ratio = trial.work.loss_ratio
    offered = flaws(trial.work, trial.bystander, trial.generator_cpu, slo)
    void = (*offered, *trial.disturbances, *_undecided(trial, slo))
    if void:
        return Verdict(False, False, void, None, loss_ratio, 1.0)
    breaks = dict(_breaks(trial, slo))
    lost = (
        1.0 if {"backlog", "drain"} & set(breaks) else max(loss_ratio, trial.bystander.loss_ratio)
    )
    first = next(iter(breaks), None)
    return Verdict(True, not breaks, tuple(breaks.values()), first, loss_ratio, lost)


def flaws(work: Tally, bystander: Tally, generator_cpu: float, slo: "Slo") -> "Iterator[str]":
    """Say why a load was not offered as it should have been; nothing if it was."""
    allowed_ms = 1000 * lag_allowed_s(slo)
    for name, stream in (("work", work), ("bystander", bystander)):
        sent = stream.scheduled - stream.unsent
        if sent < _SENT * stream.scheduled:
            yield (
                f"Only {sent} of {stream.scheduled} scheduled {name} requests were sent; "
                f"a valid trial sends {_SENT:.1%}."
            )
        if beyond_chance(stream.lagged, sent, _LAGGED):
            yield (
                f"The generator sent {stream.lagged} of {sent} {name} requests more than "
                f"{allowed_ms:g} ms late, {stream.lag_p99_ms:.1f} ms at p99; a valid trial does so "
                f"with {_LAGGED:.0%}, but for chance. Leave it more of the cores (--processes), "
                "allow more time (--slo), or send from another machine (--host)."
            )
    if generator_cpu >= GENERATOR_FULL:
        yield (
            f"The generator used {generator_cpu:.0%} of a core; from {GENERATOR_FULL:.0%} on it is "
            "itself the limit."
        )


def _undecided(trial: Trial, slo: "Slo") -> "Iterator[str]":
    if trial.short and all(slo.allows(s.lost, s.scheduled) for s in (trial.work, trial.bystander)):
        yield f"It was ended after {trial.duration_s:.1f} s, before its verdict was certain."


def _breaks(trial: Trial, slo: "Slo") -> "Iterator[tuple[str, str]]":
    work, bystander, growth = trial.work, trial.bystander, trial.backlog
    if not slo.allows(work.lost, work.scheduled):
        yield max(LOSSES, key=lambda kind: getattr(work, kind)), _loss_sentence(work, slo)
    if not slo.allows(bystander.lost, bystander.scheduled):
        yield "bystander", f"The bystander suffers: {_loss_sentence(bystander, slo)}"
    if trial.short:
        return
    if growth.grows:
        yield (
            "backlog",
            f"Work piles up: {growth.start} in flight grew to {growth.end}, "
            f"{growth.per_s:.1f} ± {growth.error_per_s:.1f} more each second; after "
            f"{HORIZON_S:.0f} s of it an answer takes {growth.forecast_ms:.0f} ms.",
        )
    if not trial.drained:
        yield "drain", "It did not drain: requests were still in flight after the drain time."


def _loss_sentence(stream: Tally, slo: "Slo") -> str:
    parts = [f"{getattr(stream, kind)} {kind}" for kind in LOSSES if getattr(stream, kind)]
    return (
        f"{stream.lost} of {stream.scheduled} requests were lost ({', '.join(parts)}): "
        f"{stream.loss_ratio:.2%}, of {slo.loss_ratio:.2%} allowed by {slo}."
    )
