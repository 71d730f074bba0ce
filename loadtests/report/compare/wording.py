"""How ratios read, in the same words everywhere."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from loadtests.wording import DASH, TIMES

if TYPE_CHECKING:
    from loadtests.report.compare.comparison import Comparison, Ratio

MARKS = {"more": "▲", "less": "▼", "same": ""}
LEGEND = "▲ bears more, ▼ bears less than in the first run; the others cannot be told apart."
NO_RATIO = "?"
WHY_NONE = (
    f"{NO_RATIO} the searches met their upper limit, or no load was borne: no ratio is known."
)


def factor_text(factor: float) -> str:
    """Round to a hundredth, but to a thousandth where 1.00 would hide on which side of 1 it is."""
    close = 0 < abs(factor - 1) < 0.005
    return f"{factor:.0f}" if factor >= 9.95 else f"{factor:.{3 if close else 2}f}"


def range_text(ratio: Ratio) -> str:
    """Return the interval, such as "1.72–2.10"; a missing bound is left open."""
    if ratio.high == inf:
        return f"≥ {factor_text(ratio.low)}" if ratio.low else ""
    if not ratio.low:
        return f"≤ {factor_text(ratio.high)}"
    return f"{factor_text(ratio.low)}{DASH}{factor_text(ratio.high)}"


def ratio_text(ratio: Ratio) -> str:
    """Return the best guess, such as "1.90 ×", or the bound that is known."""
    if ratio.best is None:
        known = range_text(ratio)
    else:
        known = f"{ratio.best:.{0 if ratio.best >= 9.95 else 2}f}"
    return f"{known} {TIMES}" if known else NO_RATIO


def legend_of(comparison: Comparison) -> str:
    """Explain the signs that stand in a comparison."""
    every = [row.later for row in comparison.rows]
    shown = {marked(match.ratio) for later in every for match in later if match.ratio}
    return f"{LEGEND} {WHY_NONE}" if NO_RATIO in shown else LEGEND


def marked(ratio: Ratio) -> str:
    """Return the ratio with a sign before it, if it is one: not by colour alone."""
    return f"{MARKS[ratio.sign]} {ratio_text(ratio)}".strip()
