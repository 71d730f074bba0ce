"""Say in plain words what a surge did under each policy; every word follows from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.capacity.support import needed
from loadtests.report.warnings import busy
from loadtests.slo import exceeds
from loadtests.wording import count_of, listing, percent, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.run.surge.counts import OutcomeCounts, Stretch
    from loadtests.run.surge.lines import PolicyResult, Surge
    from loadtests.slo import Slo

FEW = 0.05  # a share that is not worth a word
AT_ONCE_S = 0.5
OVER = 1.25  # of the capacity: more than a probe is wrong by on a quiet machine


def sentences(surge: Surge) -> tuple[str, ...]:
    """Return one or two sentences for each policy."""
    if surge.capacity is None:
        return ()
    return tuple(said(one, surge.capacity, surge.slo) for one in surge.courses)


def said(course: PolicyResult, capacity: float, slo: Slo) -> str:
    """Return one or two sentences on one policy."""
    return " ".join(_said(course, capacity, slo))


def warnings(surge: Surge) -> tuple[str, ...]:
    """Return what makes the figures less than they seem."""
    flaws = tuple(f"{one.policy}: {flaw}" for one in surge.courses for flaw in one.flaws)
    return (*surge.warnings, *_conditions(surge), *flaws)


def _conditions(surge: Surge) -> Iterator[str]:
    if said := busy(surge.environment):
        yield said
    after = next((one.after for one in surge.measured if one.recovery_s is not None), None)
    if after and after.counts.offered < needed(surge.slo):
        yield (
            f"{surge.slo.name} takes {needed(surge.slo):,} requests, and {after.counts.offered:,} "
            "were offered after the surge: too few to show that the SLO held again. Give the last "
            "of --phases more time."
        )
    best = max(surge.measured, key=lambda one: one.surge.goodput, default=None)
    if best and surge.capacity and best.surge.goodput > OVER * surge.capacity:
        yield (
            f"The capacity was taken for too low: {best.policy} answered "
            f"{percent(best.surge.goodput / surge.capacity)} of it in time. So the surge was less "
            "than meant, and so was the load after it."
        )


def _said(course: PolicyResult, capacity: float, slo: Slo) -> Iterator[str]:
    if course.error:
        yield f"{course.policy} has no result: {course.error.rstrip('.')}."
        return
    yield f"{course.policy}: {_during(course, capacity)}; {_afterwards(course, capacity)}."
    if fails(course.before, slo):
        share = percent(course.before.counts.share)
        yield f"Even before the surge {slo} did not hold: {share} were answered in time."


def fails(phase: Stretch, slo: Slo) -> bool:
    """Whether the SLO did not hold over a whole phase."""
    lost = phase.counts.offered - phase.counts.good
    return exceeds(lost, phase.counts.offered, slo.loss_ratio)


def _during(course: PolicyResult, capacity: float) -> str:
    phase = course.surge
    share = phase.goodput / capacity
    if phase.counts.good:
        rate = f"{rate_text(phase.goodput)} answers a second"
        said = f"{rate} came in time, {percent(share)} of the capacity"
    else:
        said = "no answer came in time"
    return f"during the surge {said}{_lost(phase)}"


def _lost(phase: Stretch) -> str:
    """Tell what became of the others, as far as it is worth a word."""
    counts = phase.counts
    kinds = (
        (counts.refused, "were refused"),
        (counts.gave_up, "gave up waiting"),
        (counts.late, "were answered too late"),
        (counts.failed, "got an error"),
    )
    parts = [(percent(n / counts.offered), what) for n, what in kinds if _much(n, counts)]
    if not parts:
        return ""
    (first, what), *others = parts
    told = [f"{first} of the clients {what}", *(" ".join(other) for other in others)]
    return f", while {listing(told)}"


def _much(number: int, counts: OutcomeCounts) -> bool:
    return number > FEW * counts.offered


def _afterwards(course: PolicyResult, capacity: float) -> str:
    phase, took = course.after, course.recovery_s
    if took is not None:
        return f"after it the SLO held again {again_text(took)}"
    share = f"only {percent(phase.counts.share)}" if phase.counts.good else "nothing"
    load = f"although the load was then {percent(phase.rate / capacity)} of the capacity"
    within = f"in the {phase.duration_s:g} s after it"
    return f"{within} {share} was answered in time, {load}{_burden(course)}"


def again_text(recovery_s: float) -> str:
    """Say when the SLO held again."""
    return "at once" if recovery_s < AT_ONCE_S else f"{recovery_s:.1f} s later"


def _burden(course: PolicyResult) -> str:
    """Say that the server works for nobody, where it shows."""
    held, clients = course.held, course.waited_for
    if held is None or clients is None or held <= clients:
        return ""
    return (
        ": it was still working for clients who had left "
        f"(in the end it held {held} requests, and {count_of(clients, 'client')} waited)"
    )
