"""What a surge did, policy by policy: the same figures for the terminal, Markdown and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from loadtests.report.surge.sentences import again_text, sentences, warnings
from loadtests.run.surge.counts import columns
from loadtests.run.surge.phases import NAMES
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.run.surge.counts import Stretch
    from loadtests.run.surge.lines import PolicyResult, Surge

SCHEMA = 1
BARS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
HEADS = ("admission", *NAMES, "refused", "gave up", "SLO again")
SHARES = (
    "Shares before and after the surge are of the offered load, those during it of the capacity; "
    "p99 is that of the right answers alone."
)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy in a table; each phase has its goodput, and small print below it."""

    policy: str
    phases: tuple[tuple[str, str], ...]
    refused: str
    gave_up: str
    again: str
    sparkline: str


def table(surge: Surge) -> tuple[PolicyRow, ...]:
    """Shares are of the offered load before and after the surge, of the capacity during it."""
    capacity = surge.capacity or 1.0
    return tuple(_row(course, capacity) for course in surge.measured)


def title(surge: Surge) -> str:
    return f"Goodput of {surge.workload} under {surge.model} through a surge, within {surge.slo}"


def load_text(surge: Surge) -> str:
    """Say what was offered, and what the bounded server was given."""
    if not surge.measured:
        return "Nothing was measured."
    one = surge.measured[0]
    steps = ", then ".join(
        f"{rate_text(phase.rate)} req/s for {phase.duration_s:g} s" for phase in one.phases
    )
    said = f"Capacity about {rate_text(surge.capacity or 0)} req/s. Offered: {steps}."
    queues = [course.queue for course in surge.measured if course.queue is not None]
    if queues and surge.target_s:
        said += (
            f" The queue of bounded holds {queues[0]}: what the cell works off within its target "
            f"of {1000 * surge.target_s:g} ms."
        )
    return said


def sparkline(figures: Sequence[float], top: float) -> str:
    """Draw one character for each figure; `top` is as high as it gets."""
    return "".join(_bar(figure / top if top else 0.0) for figure in figures)


def as_json(surge: Surge) -> dict[str, Any]:
    """Return the content of `summary.json`; rates are per second."""
    return {
        "schema": SCHEMA,
        "environment": dict(surge.environment),
        "workload": surge.workload,
        "model": surge.model,
        "slo": str(surge.slo),
        "capacity": surge.capacity,
        "target_s": surge.target_s,
        "policies": [_policy_json(course) for course in surge.courses],
        "sentences": list(sentences(surge)),
        "warnings": list(warnings(surge)),
    }


def _policy_json(course: PolicyResult) -> dict[str, Any]:
    return {
        "policy": course.policy,
        "queue": course.queue,
        "phases": [
            {
                "name": phase.name,
                "duration_s": phase.duration_s,
                "offered": phase.rate,
                "goodput": phase.goodput,
                "p99_ms": phase.p99_ms,
                "counts": asdict(phase.counts),
            }
            for phase in course.phases
        ],
        "series": columns(course.series),
        "recovery_s": course.recovery_s,
        "held": course.held,
        "waited_for": course.waited_for,
        "flaws": list(course.flaws),
        "error": course.error,
    }


def _row(course: PolicyResult, capacity: float) -> PolicyRow:
    every = [phase.counts for phase in course.phases]
    took = course.recovery_s
    within = f"never, within {course.after.duration_s:g} s"
    return PolicyRow(
        policy=course.policy,
        phases=(
            _figure(course.before, course.before.counts.share),
            _figure(course.surge, course.surge.goodput / capacity),
            _figure(course.after, course.after.counts.share),
        ),
        refused=str(sum(one.refused for one in every)),
        gave_up=str(sum(one.gave_up for one in every)),
        again=within if took is None else again_text(took),
        sparkline=sparkline([one.good for one in course.series], capacity),
    )


def _figure(phase: Stretch, share: float) -> tuple[str, str]:
    p99 = "no answer" if phase.p99_ms is None else f"p99 {phase.p99_ms:.0f} ms"
    return f"{rate_text(phase.goodput)}/s {100 * share:.0f} %", p99


def _bar(share: float) -> str:
    if share <= 0:
        return NOTHING
    return BARS[min(int(share * len(BARS)), len(BARS) - 1)]
