"""The outcome of a case: findings, each compared with bounds fixed before the measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure in words; `wanted` is what it should be, `holds` whether it is."""

    shown: str
    holds: bool = True
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table; `why` says what disagrees, or what a reader needs to know."""

    number: str
    claim: str
    measured: str
    agrees: bool
    why: str = ""

    @classmethod
    def of(cls, number: str, claim: str, findings: Sequence[Finding], note: str = "") -> Self:
        """Agree if every finding holds; otherwise list those that do not."""
        failed = [f"{item.shown}, wanted {item.wanted}" for item in findings if not item.holds]
        reasons = [*failed, *([note] if note else ())]
        shown = "; ".join(finding.shown for finding in findings)
        return cls(number, claim, shown, not failed, "; ".join(reasons))

    def but(self, more: str) -> Self:
        """Add what a reader needs to judge a disagreement."""
        return replace(self, why=f"{self.why}; {more}" if self.why else more)


def within(
    what: str, values: Sequence[float], low: float, high: float = inf, unit: str = "×"
) -> Finding:
    """Compare the median of the rounds with bounds, both included, and show the range."""
    middle = median(values)
    spread = f" ({_short(min(values))}–{_short(max(values))})" if len(values) > 1 else ""
    wanted = f"≥ {_short(low)}" if high == inf else f"{_short(low)}–{_short(high)}"
    shown = f"{what} {_short(middle)} {unit}".rstrip() + spread
    return Finding(shown, low <= middle <= high, f"{wanted} {unit}".rstrip())


def rising(figures: Mapping[str, float], slack: float = 0.0) -> Finding:
    """Check that figures rise; each may fall short of the previous one by `slack` of it."""
    order = " < ".join(figures)
    holds = all(low * (1 - slack) < high for low, high in pairwise(figures.values()))
    return Finding(order if holds else f"not {order}", holds, "that order")


def listed(figures: Mapping[str, float], unit: str) -> Finding:
    """Show several figures of one kind, without checking them."""
    return remark(
        f"{', '.join(f'{name} {_short(value)}' for name, value in figures.items())} {unit}"
    )


def remark(text: str) -> Finding:
    """Show a figure without checking it."""
    return Finding(text)


def table(cases: Iterable[Case]) -> Iterator[str]:
    """Write the lines of a Markdown table."""
    yield "| case | known | measured here | |"
    yield "|---|---|---|---|"
    for case in cases:
        mark = "✓" if case.agrees else "✗"
        verdict = f"{mark} {case.why}".rstrip()
        cells = (case.number, case.claim, case.measured, verdict)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _short(value: float) -> str:
    """Write three significant digits, or a whole number in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
