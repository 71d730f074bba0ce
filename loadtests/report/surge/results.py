"""The results of a surge in words and figures: the same for the terminal, Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.report.warnings import busy
from loadtests.run.surge.phases import NAMES
from loadtests.slo import exceeds, requests_needed
from loadtests.wording import count_of, listing, percent, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.run.surge.lines import OutcomeCounts, PhaseResult, PolicyResult, Surge
    from loadtests.slo import Slo

FEW = 0.05  # a share too small to mention
AT_ONCE_S = 0.5
OVER = 1.25  # of the capacity: more than the error of a probe on a quiet machine
BARS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
HEADS = ("admission", *NAMES, "refused", "gave up", "SLO met again")
SHARES = (
    "Shares before and after the surge refer to the offered load, those during it to the capacity; "
    "p99 covers right answers only."
)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy in a table; each phase has its goodput, with small print below."""

    policy: str
    phases: tuple[tuple[str, str], ...]
    refused: str
    gave_up: str
    again: str
    sparkline: str


def table(surge: Surge) -> tuple[PolicyRow, ...]:
    """Return a row for each policy; `SHARES` explains its shares."""
    capacity = surge.capacity or 1.0
    return tuple(_row(result, capacity) for result in surge.measured)


def title(surge: Surge) -> str:
    return f"Goodput of {surge.workload} under {surge.model} through a surge, within {surge.slo}"


def load_text(surge: Surge) -> str:
    """Describe the offered load, and the queue of the bounded policy."""
    if not surge.measured:
        return "Nothing was measured."
    steps = ", then ".join(
        f"{rate_text(phase.rate)} req/s for {phase.duration_s:g} s"
        for phase in surge.measured[0].phases
    )
    text = f"Capacity about {rate_text(surge.capacity or 0)} req/s. Offered: {steps}."
    queues = [result.queue for result in surge.measured if result.queue is not None]
    if queues and surge.target_s:
        text += (
            f" The queue of bounded holds {queues[0]}: as many as the cell completes within its "
            f"target of {1000 * surge.target_s:g} ms."
        )
    return text


def sparkline(figures: Sequence[float], top: float) -> str:
    """Draw one character for each figure; `top` is the full height."""
    return "".join(_bar(figure / top if top else 0.0) for figure in figures)


def sentences(surge: Surge) -> tuple[str, ...]:
    """Return one or two sentences for each policy."""
    if surge.capacity is None:
        return ()
    return tuple(sentence(result, surge.capacity, surge.slo) for result in surge.results)


def sentence(result: PolicyResult, capacity: float, slo: Slo) -> str:
    """Return one or two sentences about one policy."""
    return " ".join(_clauses(result, capacity, slo))


def warnings(surge: Surge) -> tuple[str, ...]:
    """Return reasons why the figures are less certain than they look."""
    flaws = tuple(f"{result.policy}: {flaw}" for result in surge.results for flaw in result.flaws)
    return (*surge.warnings, *_conditions(surge), *flaws)


def recovery_text(recovery_s: float) -> str:
    """Say how soon the SLO was met again."""
    return "at once" if recovery_s < AT_ONCE_S else f"{recovery_s:.1f} s later"


def _conditions(surge: Surge) -> Iterator[str]:
    if warning := busy(surge.environment):
        yield warning
    recovered = (result.after for result in surge.measured if result.recovery_s is not None)
    after = next(recovered, None)
    needed = requests_needed(surge.slo.loss_ratio, 0)
    if after and after.counts.offered < needed:
        yield (
            f"{surge.slo.name} needs {needed:,} requests, but {after.counts.offered:,} "
            "were offered after the surge: too few to show that the SLO was met again. Make the "
            "last of the --phases longer."
        )
    best = max(surge.measured, key=lambda result: result.surge.goodput, default=None)
    if best and surge.capacity and best.surge.goodput > OVER * surge.capacity:
        yield (
            f"The capacity was underestimated: {best.policy} answered "
            f"{percent(best.surge.goodput / surge.capacity)} of it in time, so the surge and the "
            "load after it were smaller than intended."
        )


def _clauses(result: PolicyResult, capacity: float, slo: Slo) -> Iterator[str]:
    if result.error:
        yield f"{result.policy} has no result: {result.error.rstrip('.')}."
        return
    yield f"{result.policy}: {_during(result, capacity)}; {_afterwards(result, capacity)}."
    if missed(result.before, slo):
        share = percent(result.before.counts.share)
        yield (
            f"{slo} was not met even before the surge: {share} of the requests were answered in "
            "time."
        )


def missed(phase: PhaseResult, slo: Slo) -> bool:
    """Whether the SLO was missed over a whole phase."""
    lost = phase.counts.offered - phase.counts.good
    return exceeds(lost, phase.counts.offered, slo.loss_ratio)


def _during(result: PolicyResult, capacity: float) -> str:
    phase = result.surge
    if phase.counts.good:
        share = percent(phase.goodput / capacity)
        answered = (
            f"{rate_text(phase.goodput)} req/s were answered in time, {share} of the capacity"
        )
    else:
        answered = "no request was answered in time"
    return f"during the surge, {answered}{_lost(phase)}"


def _lost(phase: PhaseResult) -> str:
    """Name the outcomes of the other requests, except rare ones."""
    counts = phase.counts
    kinds = (
        (counts.refused, "were refused"),
        (counts.gave_up, "gave up waiting"),
        (counts.late, "were answered too late"),
        (counts.failed, "got an error"),
    )
    shares = [
        (percent(number / counts.offered), outcome)
        for number, outcome in kinds
        if _many(number, counts)
    ]
    if not shares:
        return ""
    (share, outcome), *others = shares
    return f", while {listing([f'{share} of the clients {outcome}', *map(' '.join, others)])}"


def _many(number: int, counts: OutcomeCounts) -> bool:
    return number > FEW * counts.offered


def _afterwards(result: PolicyResult, capacity: float) -> str:
    phase, took = result.after, result.recovery_s
    if took is not None:
        return f"after it, the SLO was met again {recovery_text(took)}"
    answered = (
        f"only {percent(phase.counts.share)} of the requests were answered in time"
        if phase.counts.good
        else "no request was answered in time"
    )
    load = f"although the load was only {percent(phase.rate / capacity)} of the capacity"
    return f"in the {phase.duration_s:g} s after it, {answered}, {load}{_wasted(result)}"


def _wasted(result: PolicyResult) -> str:
    """Report abandoned requests that the server still works on, if the figures show them."""
    held, clients = result.held, result.waited_for
    if held is None or clients is None or held <= clients:
        return ""
    return (
        ": the server was still working on abandoned requests (at the end it held "
        f"{held}, and {count_of(clients, 'client')} waited)"
    )


def _row(result: PolicyResult, capacity: float) -> PolicyRow:
    counts = [phase.counts for phase in result.phases]
    took = result.recovery_s
    never = f"never, within {result.after.duration_s:g} s"
    return PolicyRow(
        policy=result.policy,
        phases=(
            _figure(result.before, result.before.counts.share),
            _figure(result.surge, result.surge.goodput / capacity),
            _figure(result.after, result.after.counts.share),
        ),
        refused=str(sum(phase.refused for phase in counts)),
        gave_up=str(sum(phase.gave_up for phase in counts)),
        again=never if took is None else recovery_text(took),
        sparkline=sparkline([second.good for second in result.series], capacity),
    )


def _figure(phase: PhaseResult, share: float) -> tuple[str, str]:
    p99 = "no answer" if phase.p99_ms is None else f"p99 {phase.p99_ms:.0f} ms"
    return f"{rate_text(phase.goodput)}/s {100 * share:.0f} %", p99


def _bar(share: float) -> str:
    if share <= 0:
        return NOTHING
    return BARS[min(int(share * len(BARS)), len(BARS) - 1)]
