"""A comparison in words: its verdicts, and how its rates and ratios read in every format."""

from collections.abc import Iterator, Sequence
from math import inf, sqrt
from statistics import median

from loadtests.machine.environment import describe
from loadtests.report.compare.comparison import Comparison
from loadtests.report.compare.ratio import Ratio
from loadtests.report.survival.matrix import ABSENT
from loadtests.report.wording import interval_text, name_of, shortened
from loadtests.run.file.cells import CellResult
from loadtests.wording import DASH, TIMES, count_of, percent

MARKS = {"more": "▲", "less": "▼", "same": ""}
NO_RATIO = "?"
LEGEND = (
    "▲ sustains more, ▼ less than the baseline at equal speed of the machine; the others are "
    "statistically tied with it. All intervals hold together, with 95 % confidence."
)
WHY_NO_RATIO = (
    "no ratio is known: the load generator was the limit in both runs, or no load was sustained."
)
NOTHING_CHANGED = "The runs have the same options and environment."


def verdicts(comparison: Comparison) -> tuple[str, ...]:
    """Judge each later run; losses come first, because they are why people compare."""
    return tuple(
        sentence
        for number in range(len(comparison.later))
        for sentence in (
            *_judge(comparison, number),
            cannot_tell(comparison, number) or _speed(comparison, number),
        )
        if sentence
    )


def cannot_tell(comparison: Comparison, number: int) -> str | None:
    """Say which cells cannot be compared because the speed of the machine is unknown, and why."""
    cells = comparison.undecided(number)
    if not cells:
        return None
    later, first = comparison.later[number].label, comparison.first.label
    total = len(cells) + len(comparison.ratios(number))
    which = f"{len(cells)} of {total} cells" if len(cells) < total else count_of(total, "cell")
    return (
        f"Cannot tell whether {later} sustains more or less than {first} in {which}: the machines "
        f"differ, or may differ, in speed. {comparison.speeds[number].doubt}."
    )


def _speed(comparison: Comparison, number: int) -> str | None:
    speed = comparison.speeds[number]
    if speed.doubt:
        return None
    value, *interval = map(factor_text, speed.factor)
    return (
        f"The same work cost {value} {TIMES} ({DASH.join(interval)}) as much CPU time in "
        f"{comparison.later[number].label} as in {comparison.first.label}; capacities are compared "
        "at equal speed."
    )


def rate_of(result: CellResult | None) -> str:
    """Return the capacity of a cell, or a dash where there is none."""
    if result is None or result.unavailable:
        return ABSENT
    return interval_text(result) if result.measured else "unfinished"


def factor_text(factor: float) -> str:
    """Round to a hundredth, or to a thousandth where 1.00 would hide which side of 1 it is on."""
    close = 0 < abs(factor - 1) < 0.005
    return f"{factor:.0f}" if factor >= 9.95 else f"{factor:.{3 if close else 2}f}"


def range_text(ratio: Ratio) -> str:
    """Return the interval, e.g. "1.72–2.10"; a missing bound is left open."""
    if ratio.high == inf:
        return f"≥ {factor_text(ratio.low)}" if ratio.low else ""
    if not ratio.low:
        return f"≤ {factor_text(ratio.high)}"
    return f"{factor_text(ratio.low)}{DASH}{factor_text(ratio.high)}"


def ratio_text(ratio: Ratio) -> str:
    """Return the best estimate, e.g. "1.90 ×", or the bound that is known."""
    if ratio.best is None:
        known = range_text(ratio)
    else:
        known = f"{ratio.best:.{0 if ratio.best >= 9.95 else 2}f}"
    return f"{known} {TIMES}" if known else NO_RATIO


def marked(ratio: Ratio) -> str:
    """Return the ratio with a mark in front if it differs from 1, so that colour is not needed."""
    return f"{MARKS[ratio.sign]} {ratio_text(ratio)}".strip()


def legend_of(comparison: Comparison) -> str:
    matches = [match for row in comparison.rows for match in row.later]
    texts = {marked(match.ratio) for match in matches if match.ratio}
    return f"{LEGEND} {NO_RATIO} {WHY_NO_RATIO}" if NO_RATIO in texts else LEGEND


def title_of(comparison: Comparison) -> str:
    others = ", ".join(side.label for side in comparison.later)
    return f"{others} against {comparison.first.label}"


def objectives(comparison: Comparison) -> str:
    return " or ".join(dict.fromkeys(str(side.run.plan.slo) for side in comparison.sides))


def machines(comparison: Comparison) -> list[tuple[str, str]]:
    """Describe where each run was made; once if all were made on the same machine."""
    places = [(side.label, describe(side.run.plan.environment)) for side in comparison.sides]
    return [("All", places[0][1])] if len({place for _, place in places}) == 1 else places


def _judge(comparison: Comparison, number: int) -> Iterator[str]:
    later, first = comparison.later[number].label, comparison.first.label
    ratios = comparison.ratios(number)
    less, more = (
        sorted((ratio for ratio in ratios if ratio.sign == sign), key=_size)
        for sign in ("less", "more")
    )
    for sign, different in (("less", less), ("more", more[::-1])):
        if len(different) == 1:
            yield _single(later, first, different[0])
        elif different:
            yield f"{later} sustains {sign} than {first} {_where(different, len(ratios))}."
    if less and comparison.tolerance:
        count = sum(comparison.regressed(ratio) for ratio in less)
        where = f"in {count_of(count, 'cell')}" if count else "in no cell"
        yield f"The loss certainly exceeds {percent(comparison.tolerance)} {where}."
    tied = len(ratios) - len(less) - len(more)
    if tied and tied < len(ratios):
        which = f"{tied} of {count_of(len(ratios), 'cell')}"
        verb = "is" if tied == 1 else "are"
        yield f"{which} of {later} {verb} statistically tied with {first}.{_undetected(ratios)}"
    elif tied:
        where = f"in all {tied} cells" if tied > 1 else f"for {name_of(ratios[0].cell)}"
        yield f"{later} and {first} are statistically tied {where}.{_undetected(ratios)}"


def _single(later: str, first: str, ratio: Ratio) -> str:
    now, before = interval_text(ratio.after), interval_text(ratio.before)
    name = name_of(ratio.cell)
    if not ratio.after.sustained:
        return f"{later} sustains no load for {name}, where {first} sustains {before} req/s."
    if not ratio.before.sustained:
        return f"{later} sustains {now} req/s for {name}, where {first} sustains no load."
    interval = "" if ratio.best is None else f" ({range_text(ratio)})"
    return (
        f"{later} sustains {ratio_text(ratio)}{interval} the load of {first} for {name} at equal "
        f"speed; measured: {now} req/s, in {first} {before}."
    )


def _where(ratios: Sequence[Ratio], total: int) -> str:
    names = [
        f"{name_of(ratio.cell)} ({ratio_text(ratio) if ratio.after.sustained else 'no load'})"
        for ratio in ratios
    ]
    some = len(ratios) < total
    count = f"{len(ratios)} of {count_of(total, 'cell')}" if some else f"all {total} cells"
    return f"in {count}: {shortened(names)}"


def _size(ratio: Ratio) -> float:
    if ratio.best is not None:
        return ratio.best
    return ratio.high if ratio.high < 1 else ratio.low


def _undetected(ratios: Sequence[Ratio]) -> str:
    """State the smallest detectable change: half of all intervals reach this far to each side."""
    bounded = [ratio for ratio in ratios if ratio.low and ratio.high < inf]
    if not bounded:
        return ""
    change = median(sqrt(ratio.high / ratio.low) for ratio in bounded) - 1
    return f" Changes of less than about {percent(change)} go undetected."
