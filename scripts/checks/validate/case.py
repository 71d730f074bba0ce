"""What a case has shown: findings, each against bounds that were fixed before it was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure, in words; `wanted` says what it should have been, and `holds` whether it was."""

    shown: str
    holds: bool = True
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table; `why` says what disagrees, or what one must know to read the row."""

    number: str
    claim: str
    measured: str
    agrees: bool
    why: str = ""

    @classmethod
    def of(cls, number: str, claim: str, findings: Sequence[Finding], note: str = "") -> Self:
        """Agree if each finding holds, and otherwise name those that do not."""
        failed = [f"{one.shown}, wanted {one.wanted}" for one in findings if not one.holds]
        reasons = [*failed, *([note] if note else ())]
        shown = "; ".join(one.shown for one in findings)
        return cls(number, claim, shown, not failed, "; ".join(reasons))

    def but(self, more: str) -> Self:
        """Add what one must know to judge a disagreement."""
        return replace(self, why=f"{self.why}; {more}" if self.why else more)


def within(
    what: str, values: Sequence[float], low: float, high: float = inf, unit: str = "×"
) -> Finding:
    """Hold the median of some rounds against bounds, both included, and show their range."""
    middle = median(values)
    spread = f" ({_short(min(values))}–{_short(max(values))})" if len(values) > 1 else ""
    wanted = f"≥ {_short(low)}" if high == inf else f"{_short(low)}–{_short(high)}"
    shown = f"{what} {_short(middle)} {unit}".rstrip() + spread
    return Finding(shown, low <= middle <= high, f"{wanted} {unit}".rstrip())


def rising(figures: Mapping[str, float], slack: float = 0.0) -> Finding:
    """Hold figures against their order; each may fall short of the one before by `slack` of it."""
    order = " < ".join(figures)
    holds = all(one * (1 - slack) < other for one, other in pairwise(figures.values()))
    return Finding(order if holds else f"not {order}", holds, "that order")


def listed(figures: Mapping[str, float], unit: str) -> Finding:
    """Show some figures of one kind, of which nothing is expected but what other findings say."""
    return told(f"{', '.join(f'{name} {_short(value)}' for name, value in figures.items())} {unit}")


def told(text: str) -> Finding:
    """Show a figure that nothing is expected of."""
    return Finding(text)


def table(cases: Iterable[Case]) -> Iterator[str]:
    """Write the lines of a Markdown table."""
    yield "| case | a right instrument shows | this machine shows | |"
    yield "|---|---|---|---|"
    for case in cases:
        mark = "✓" if case.agrees else "✗"
        verdict = f"{mark} {case.why}".rstrip()
        cells = (case.number, case.claim, case.measured, verdict)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _short(value: float) -> str:
    """Write three figures, more where a whole number has them."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
