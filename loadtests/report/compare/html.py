"""A comparison as a page of its own: the table in which each ratio is also drawn, beside 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from math import inf, log
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from loadtests.report.compare.cells import NOTHING_CHANGED, objectives, places, rate_of, title_of
from loadtests.report.compare.changes import changes
from loadtests.report.compare.sentences import verdicts
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.report.compare.wording import legend_of, marked, range_text
from loadtests.report.pages import render
from loadtests.report.summary import command
from loadtests.wording import listing

if TYPE_CHECKING:
    from loadtests.report.compare.comparison import Comparison, Match, Ratio

ENDS = (
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    10.0,
)  # of the axis; what lies beyond the last is drawn at its edge


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from 1 / `end` to `end`, with 1 in its middle; places are in percent."""

    end: float

    def place(self, factor: float) -> float:
        if factor <= 0 or factor == inf:
            return 100.0 if factor else 0.0
        return min(max(50 + 50 * log(factor) / log(self.end), 0.0), 100.0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A ratio as text, and where it lies on the axis."""

    sign: str
    text: str
    interval: str
    low: float
    high: float
    best: float | None
    known: bool


def page(comparison: Comparison) -> str:
    """Return the comparison as HTML, the verdict first."""
    axis = axis_of(comparison)
    groups = groupby(comparison.shown, key=lambda row: row.cell.workload)
    return render(
        "compare.html",
        title=title_of(comparison),
        objectives=objectives(comparison),
        places=places(comparison),
        unlike=[coded(said) for said in unlike(comparison)],
        verdicts=[coded(said) for said in verdicts(comparison)],
        first=comparison.first.label,
        labels=[side.label for side in comparison.later],
        groups=[(workload, list(rows)) for workload, rows in groups],
        rate_of=rate_of,
        drawn=lambda match: drawn(match, axis),
        end=axis.end,
        legend=legend_of(comparison),
        changes=changes(comparison.sides),
        nothing_changed=NOTHING_CHANGED,
        warnings=[coded(said) for said in warnings(comparison)],
        commands=_commands(comparison),
    )


def _commands(comparison: Comparison) -> list[tuple[str, str]]:
    """Give the command that repeats each run, once for all that have the same."""
    labels: dict[str, list[str]] = {}
    for side in comparison.sides:
        labels.setdefault(command(side.run), []).append(side.label)
    return [(text, listing(names)) for text, names in labels.items()]


def coded(sentence: str) -> Markup:
    """Escape a sentence, and set as code what stands between backticks."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 - escaped


def axis_of(comparison: Comparison) -> Axis:
    """Choose the shortest axis on which all intervals lie."""
    bounds = [
        bound
        for number in range(len(comparison.later))
        for each in comparison.compared(number)
        for bound in (each.ratio.low, each.ratio.high)
        if 0 < bound < inf
    ]
    furthest = max((max(bound, 1 / bound) for bound in bounds), default=1.0)
    return Axis(next((end for end in ENDS if end >= furthest), ENDS[-1]))


def drawn(match: Match, axis: Axis) -> Drawn | None:
    ratio = match.ratio
    return None if ratio is None else _drawn(ratio, axis)


def _drawn(ratio: Ratio, axis: Axis) -> Drawn:
    return Drawn(
        ratio.sign,
        marked(ratio),
        range_text(ratio) if ratio.best is not None else "",
        axis.place(ratio.low),
        axis.place(ratio.high),
        None if ratio.best is None else axis.place(ratio.best),
        known=bool(ratio.low or ratio.high < inf),
    )
