"""What weakens a comparison, in sentences, so that nobody takes it for more."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from loadtests.report.compare.wording import factor_text
from loadtests.report.warnings import ENOUGH, busy, pieces_ms
from loadtests.wording import TIMES, count_of, listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loadtests.report.compare.comparison import Comparison, Match, Row
    from loadtests.report.compare.sides import Side
    from loadtests.run.file.lines import Plan

UNLIKE = 1.1  # the same piece of work takes this much longer on another machine, or another day
CHANCE = 0.05  # of a 95 % interval to exclude 1 where nothing differs
NAMED = 3


def unlike(comparison: Comparison) -> tuple[str, ...]:
    """Say what forbids to judge runs by their ratios: it stands before all that they say."""
    return tuple(said for side in comparison.later for said in _unlike(comparison, side))


def warnings(comparison: Comparison) -> tuple[str, ...]:
    """Say what else weakens a comparison."""
    return tuple(_warnings(comparison))


def _warnings(comparison: Comparison) -> Iterator[str]:
    for side in comparison.sides:
        yield from _of_one(side)
    for number, side in enumerate(comparison.later):
        yield from _another_way(comparison.first, side)
        yield from _as_fast(comparison.first, side)
        yield from _one_sided(comparison, number)
        yield from _by_chance(comparison, number)


def _of_one(side: Side) -> Iterator[str]:
    run, name = side.run, side.label
    if run.end is None:
        yield f"{name} has not ended: it was interrupted, or it goes on."
    elif run.end.reason:
        yield f"{name} ended early: {run.end.reason.rstrip('.')}."
    if said := busy(run.plan.environment):
        yield f"{name}: {said}"
    if run.plan.arguments.get("host"):
        yield f"{name} measured a running service that was not restarted between its cells."
    if str(run.plan.environment.get("commit") or "").endswith("-dirty"):
        yield f"{name} was measured with changes that are in no commit."


def _unlike(comparison: Comparison, side: Side) -> Iterator[str]:
    first, one, other = comparison.first.label, comparison.first.run.plan, side.run.plan
    if one.slo != other.slo:
        yield (
            f"{side.label} was held to {other.slo}, and {first} to {one.slo}: their rates answer "
            "different questions, and no ratio of them tells which run is better."
        )
    for workload in dict.fromkeys(row.cell.workload for row in comparison.rows):
        now, before = (_settings(each, workload) for each in (other, one))
        if now != before:
            yield (
                f"`{workload}` ran with {now} in {side.label}, and with {before} in {first}: "
                "that is other work, and no ratio of their rates tells which run is better."
            )


def _another_way(first: Side, side: Side) -> Iterator[str]:
    one, other = first.run, side.run
    if one.plan.started == other.plan.started and one.results == other.results:
        yield f"{side.label} and {first.label} are the same run."
    if one.plan.mode != other.plan.mode:
        yield (
            f"{side.label} is a {other.plan.mode} run, and {first.label} a {one.plan.mode} run: "
            "ratios are as uncertain as the quick one makes them."
        )


def _settings(plan: Plan, workload: str) -> str:
    given = plan.arguments.get("param") or ()
    return listing(sorted(text for text in given if text.startswith(f"{workload}."))) or "defaults"


def _as_fast(first: Side, side: Side) -> Iterator[str]:
    """Tell whether the cores were, by the piece of work that goes with each trial."""
    one, other = (pieces_ms(each.run) for each in (first, side))
    pythons = {each.run.plan.environment.get("python") for each in (first, side)}
    if min(len(one), len(other)) < ENOUGH or len(pythons) > 1:
        return
    before, now = median(one), median(other)
    if max(now / before, before / now) > UNLIKE:
        slower = "slower" if now > before else "faster"
        yield (
            f"The cores were {slower} in {side.label}: the same piece of work took {now:.2f} ms of "
            f"CPU, {factor_text(now / before)} {TIMES} what it took in {first.label} "
            f"({before:.2f} ms). What computes bears {'less' if now > before else 'more'} for that "
            "alone."
        )


def _one_sided(comparison: Comparison, number: int) -> Iterator[str]:
    """Name the cells that have a result on one side only, and why."""
    side, first = comparison.later[number], comparison.first
    lost = [row for row in comparison.rows if _measured(row) and not _has(row.later[number])]
    new = [row for row in comparison.rows if not _measured(row) and _has(row.later[number])]
    for name, rows in ((side.label, lost), (first.label, new)):
        if rows:
            reasons = {_why(row, None if name == first.label else number) for row in rows}
            why = f" ({reasons.pop()})" if len(reasons) == 1 else ""
            yield (
                f"{count_of(len(rows), 'cell')} cannot be compared for want of a result in {name}"
                f"{why}: {_names(rows)}."
            )


def _measured(row: Row) -> bool:
    return row.first is not None and row.first.shown


def _has(match: Match) -> bool:
    return match.found is not None and match.found.shown


def _why(row: Row, number: int | None) -> str:
    cell = row.first if number is None else row.later[number].found
    if cell is None:
        return "not asked for"
    return (cell.unavailable or cell.error or cell.lack or "no number was reported").rstrip(".")


def _names(rows: Iterable[Row]) -> str:
    names = [f"`{row.cell.workload}` under {row.cell.row}" for row in rows]
    left = len(names) - NAMED
    return listing([*names[:NAMED], f"{left} more"] if left > 0 else names)


def _by_chance(comparison: Comparison, number: int) -> Iterator[str]:
    cells = list(comparison.compared(number))
    differing = sum(each.ratio.sign != "same" for each in cells)
    expected = round(CHANCE * len(cells))
    if 0 < differing <= expected:
        yield (
            f"Of {len(cells)} cells that are all the same, about {expected} would seem to differ "
            f"by chance: {_seem(differing)}. Measure again what matters to you."
        )


def _seem(differing: int) -> str:
    return "as many do here" if differing > 1 else "one does here"
