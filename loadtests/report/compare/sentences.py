"""Say in plain sentences what each later run bears of what the first one bears."""

from __future__ import annotations

from math import inf, sqrt
from statistics import median
from typing import TYPE_CHECKING

from loadtests.report.compare.wording import range_text, ratio_text
from loadtests.report.wording import interval_text
from loadtests.wording import count_of, listing, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.report.compare.comparison import Compared, Comparison

NAMED = 3  # cells in a sentence; the table has them all


def verdicts(comparison: Comparison) -> tuple[str, ...]:
    """Judge each later run: what bears less comes first, for that is why people compare."""
    return tuple(
        sentence
        for number in range(len(comparison.later))
        for sentence in _judged(comparison, number)
    )


def _judged(comparison: Comparison, number: int) -> Iterator[str]:
    one, first = comparison.later[number].label, comparison.first.label
    cells = list(comparison.compared(number))
    less, more = (sorted(_of(sign, cells), key=_size) for sign in ("less", "more"))
    for sign, found in (("less", less), ("more", more[::-1])):
        if len(found) == 1:
            yield _single(one, first, found[0])
        elif found:
            yield f"{one} bears {sign} than {first} {_where(found, len(cells))}."
    if less and comparison.tolerance:
        beyond = sum(comparison.regressed(each.ratio) for each in less)
        where = f"in {count_of(beyond, 'cell')}" if beyond else "in no cell"
        yield f"It certainly bears less by more than {percent(comparison.tolerance)} {where}."
    same = len(cells) - len(less) - len(more)
    if same and same < len(cells):
        which = f"{same} of {count_of(len(cells), 'cell')}"
        yield f"{which} of {one} cannot be told apart from those of {first}.{_unseen(cells)}"
    elif same:
        where = f"in any of {same} cells" if same > 1 else f"for {_name(cells[0])}"
        yield f"{one} and {first} cannot be told apart {where}.{_unseen(cells)}"


def _of(sign: str, cells: Sequence[Compared]) -> Iterator[Compared]:
    return (each for each in cells if each.ratio.sign == sign)


def _single(one: str, first: str, each: Compared) -> str:
    now, before = interval_text(each.after), interval_text(each.before)
    if not each.after.bears:
        return f"{one} bears no load for {_name(each)}, where {first} bears {before} req/s."
    if not each.before.bears:
        return f"{one} bears {now} req/s for {_name(each)}, where {first} bears no load."
    interval = "" if each.ratio.best is None else f" ({range_text(each.ratio)})"
    return (
        f"{one} bears {ratio_text(each.ratio)}{interval} what {first} bears for {_name(each)}: "
        f"{now} instead of {before} req/s."
    )


def _where(found: Sequence[Compared], of: int) -> str:
    named = [f"{_name(each)} ({_short(each)})" for each in found[:NAMED]]
    left = len(found) - len(named)
    cells = listing([*named, f"{left} more"] if left else named)
    count = f"all {of} cells" if len(found) == of else f"{len(found)} of {count_of(of, 'cell')}"
    return f"in {count}: {cells}"


def _short(each: Compared) -> str:
    return ratio_text(each.ratio) if each.after.bears else "no load"


def _name(each: Compared) -> str:
    return f"`{each.cell.workload}` under {each.cell.row}"


def _size(each: Compared) -> float:
    ratio = each.ratio
    if ratio.best is not None:
        return ratio.best
    return ratio.high if ratio.high < 1 else ratio.low


def _unseen(cells: Sequence[Compared]) -> str:
    """Say how much goes unseen: half of all intervals reach so far to either side."""
    spans = [
        sqrt(each.ratio.high / each.ratio.low)
        for each in cells
        if each.ratio.low and each.ratio.high < inf
    ]
    return f" Changes of less than about {percent(median(spans) - 1)} go unseen." if spans else ""
