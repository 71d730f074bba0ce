"""Surges: what became of the requests under each admission policy, in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loadtests.cell import Cell
from loadtests.report.summary import Summary
from loadtests.report.survival.beyond import SOON_S, again_text, measured, unmeasured
from loadtests.report.survival.matrix import Entry
from loadtests.report.survival.tables import Table
from loadtests.run.file.lines import Line
from loadtests.wording import DASH, count_of, listing, percent, rate_text

PHASES = ("before", "surge", "after")
BEFORE, DURING, AFTER = range(3)
GOOD = "good"
FEW = 0.05  # a share too small to mention
OVER = 1.25  # of the capacity: more than its error
BARS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
NO = "no request was"


class OutcomeStyle(NamedTuple):
    """How the requests with one outcome are named, also in a sentence, and their colour."""

    text: str
    clause: str
    colour: str


# From the bottom of a chart to its top. The palette is that of Okabe and Ito.
OUTCOMES = {
    GOOD: OutcomeStyle("in time", "were answered in time", "#009E73"),
    "late": OutcomeStyle("late", "were answered too late", "#E69F00"),
    "refused": OutcomeStyle("refused", "were refused", "#56B4E9"),
    "gave_up": OutcomeStyle("gave up", "gave up waiting", "#CC79A7"),
    "failed": OutcomeStyle("failed", "failed", "#8A8A8A"),
}


@dataclass(frozen=True, slots=True)
class SurgeLane:
    """A surge under one policy: the number of requests by outcome in each of its windows."""

    name: str
    cell: Cell
    policy: str
    capacity: float
    step_s: float
    windows: Sequence[int]  # of each phase
    series: Mapping[str, Sequence[int]]
    p99_ms: Sequence[float | None]  # of each phase
    recovery_s: float | None
    held: int | None
    needed: int  # requests that can show that the objective is met

    def count(self, outcome: str, phase: int) -> int:
        begin = sum(self.windows[:phase])
        return sum(self.series[outcome][begin : begin + self.windows[phase]])

    def offered(self, phase: int) -> int:
        return sum(self.count(outcome, phase) for outcome in OUTCOMES)

    def seconds(self, phase: int) -> float:
        return self.windows[phase] * self.step_s

    def goodput(self, phase: int) -> float:
        return self.count(GOOD, phase) / self.seconds(phase)

    def share(self, phase: int) -> float:
        """The goodput as a share of what could be expected: of the capacity or the rate."""
        expected = self.offered(phase) / self.seconds(phase)
        return self.goodput(phase) / (min(expected, self.capacity) or 1)


def lanes_of(summary: Summary) -> list[SurgeLane]:
    """Return what was measured under each policy, cell by cell."""
    surges = _surges(summary)
    return [
        SurgeLane(
            name=policy["policy"] if len(surges) == 1 else _name(cell, policy["policy"]),
            cell=cell,
            capacity=line["capacity"],
            step_s=line["step_s"],
            windows=line["windows"],
            needed=line["needed"],
            **{name: policy[name] for name in ("policy", "series", "p99_ms", "recovery_s", "held")},
        )
        for cell, line in surges.items()
        for policy in line["policies"]
        if "reason" not in policy
    ]


def surges_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show each surge: a row for each policy, a column for each phase, and how it ended."""
    return {
        Cell(column, lane.name): entry
        for lane in lanes_of(summary)
        for column, entry in _columns(lane)
    }


def surge_notes(summary: Summary) -> Iterator[str]:
    """Describe each load, name the policies that did not recover, and sum up the others."""
    lanes = lanes_of(summary)
    for cell, line in _surges(summary).items():
        yield f"`{cell.workload}` under {cell.row}: {_load_text(line)}"
        mine = [lane for lane in lanes if lane.cell == cell]
        yield from (_collapse(lane, line) for lane in mine if lane.recovery_s is None)
        if recovered := [lane for lane in mine if lane.recovery_s is not None]:
            yield _recovered(recovered)
        best = max(mine, key=lambda lane: lane.share(DURING), default=None)
        if best and best.share(DURING) > OVER:
            yield (
                f"The capacity was underestimated: {best.name} answered "
                f"{percent(best.share(DURING))} of it in time, so the surge was smaller than "
                "intended."
            )
        for policy in line["policies"]:
            if "reason" in policy:
                yield f"{_name(cell, policy['policy'])} has no result: {policy['reason']}"
    yield from unmeasured("surge", summary)


def surge_table(lanes: Sequence[SurgeLane]) -> Table:
    """List the outcomes of the requests of each phase."""
    heads = ("admission", "phase", "requests", *(style.text for style in OUTCOMES.values()))
    return Table(
        heads,
        tuple(
            (
                *(lane.name, name, str(lane.offered(phase))),
                *(str(lane.count(outcome, phase)) for outcome in OUTCOMES),
            )
            for lane in lanes
            for phase, name in enumerate(PHASES)
        ),
        words=2,
    )


def _surges(summary: Summary) -> dict[Cell, Line]:
    lines = measured("surge", summary)
    return {cell: line for cell, line in lines.items() if "reason" not in line}


def _name(cell: Cell, policy: str) -> str:
    where = f"{cell.workload} under {cell.row}"
    return where if where.endswith(policy) else f"{where} · {policy}"


def _columns(lane: SurgeLane) -> Iterator[tuple[str, Entry]]:
    for phase, name in enumerate(PHASES):
        p99_ms = lane.p99_ms[phase]
        small = ["no answer" if p99_ms is None else f"p99 {p99_ms:.0f} ms"]
        small += [f"{share} {OUTCOMES[kind].text}" for kind, share in _losses(lane, phase)[:1]]
        figure = f"{rate_text(lane.goodput(phase))}/s {percent(lane.share(phase))}"
        yield name, Entry(figure, "\n".join(small))
    again = again_text(lane.recovery_s, lane.seconds(AFTER))
    few = lane.recovery_s is not None and lane.offered(AFTER) < lane.needed
    of = f"of {count_of(lane.offered(AFTER), 'request')}" if few else ""
    yield "met again", Entry(again, of, "yellow" if lane.recovery_s is None else "")
    yield "over time", Entry(_sparkline(lane))


def _losses(lane: SurgeLane, phase: int) -> list[tuple[str, str]]:
    """Return the shares of what was lost, the largest first; without those that are rare."""
    offered = lane.offered(phase) or 1
    shares = {kind: lane.count(kind, phase) / offered for kind in OUTCOMES if kind != GOOD}
    ranked = sorted(shares, key=lambda kind: -shares[kind])
    return [(kind, percent(shares[kind])) for kind in ranked if shares[kind] > FEW]


def _sparkline(lane: SurgeLane) -> str:
    """Draw a character for each window: a full one is an eighth or less below the capacity."""
    full = lane.capacity * lane.step_s
    levels = [int(good / full * len(BARS)) for good in lane.series[GOOD]]
    return "".join(
        BARS[min(level, len(BARS) - 1)] if good else NOTHING
        for level, good in zip(levels, lane.series[GOOD], strict=True)
    )


def _load_text(line: Line) -> str:
    steps = [
        f"{rate_text(rate)} req/s for {count * line['step_s']:g} s"
        for rate, count in zip(line["rates"], line["windows"], strict=True)
    ]
    text = f"{', then '.join(steps)}; its capacity is {rate_text(line['capacity'])} req/s."
    queues = [policy["queue"] for policy in line["policies"] if "queue" in policy]
    if queues:
        text += f" The queue of bounded holds {queues[0]}, which it completes within its target."
    return text


def _collapse(lane: SurgeLane, line: Line) -> str:
    lost = [f"{share} of the clients {OUTCOMES[kind].clause}" for kind, share in _losses(lane, 1)]
    during = f"{percent(lane.share(DURING))} of the capacity was" if lane.share(DURING) else NO
    after = f"only {percent(lane.share(AFTER))} of the requests were" if lane.share(AFTER) else NO
    text = (
        f"{lane.name}: during the surge, {during} answered in time"
        f"{f', while {listing(lost)}' if lost else ''}; in the {lane.seconds(AFTER):g} s after it, "
        f"{after} answered in time, although the load was only "
        f"{percent(line['rates'][AFTER] / lane.capacity)} of the capacity."
    )
    if lane.held:
        held = count_of(lane.held, "request")
        text += f" When all clients had gone, the server still held {held}."
    return text


def _recovered(lanes: Sequence[SurgeLane]) -> str:
    """Say how those that met the objective again have fared."""
    shares = sorted(lane.share(DURING) for lane in lanes)
    ends = list(dict.fromkeys(f"{100 * share:.0f}" for share in (shares[0], shares[-1])))
    slowest = max(lane.recovery_s or 0.0 for lane in lanes)
    soon = "at once" if slowest < SOON_S else f"within {slowest:.1f} s"
    names = listing([lane.name for lane in lanes])
    return (
        f"{names}: {DASH.join(ends)} % of the capacity was answered in time during the surge, and "
        f"the objective met again {soon}."
    )
