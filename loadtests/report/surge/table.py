"""The figures of a surge, policy by policy: the same for the terminal, Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.report.surge.sentences import recovery_text
from loadtests.run.surge.phases import NAMES
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.run.surge.lines import PhaseResult, PolicyResult, Surge

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
