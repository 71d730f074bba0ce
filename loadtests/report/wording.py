"""Capacities and causes in words, the same in every report."""

import re
from collections.abc import Mapping, Sequence
from math import floor, isfinite
from typing import Any

from loadtests.capacity.estimate import Range
from loadtests.cell import Cell
from loadtests.run.file.cells import CellResult
from loadtests.slo import Slo
from loadtests.wording import DASH, TIMES, listing, percent, rate_text

AT_LEAST = (
    "lower bound: still passing at the highest rate that the load generator can offer (raise it "
    "with --generators)"
)
UNFINISHED = "unfinished"
PYTHON = re.compile(r"\d+\.\d+(\.\d+)?t?")  # a label of one
NAMED = 3
UNKNOWN = "unknown"  # the cause if nothing that was watched was the limit

# How a trial failed, but not why: its `broke_by` → in a table, in a sentence.
SIGNS = {
    "bystander": ("/health late", "/health was starved"),
    "refused": ("queue full", "the queue was full"),
    "expired": ("expired", "requests passed their deadline"),
    "wrong": ("wrong", "answers were wrong"),
    "failed": ("failed", "requests failed"),
    "unfinished": ("unfinished", "requests never finished"),
    "late": ("too late", "answers came too late"),
}


def name_of(cell: Cell | CellResult) -> str:
    return f"`{cell.workload}` under {cell.row}"


def under(variant: str) -> str:
    """Return how a row is run, as a part of a sentence: "with 64 threads on 3.13t"."""
    parts = variant.split(" · ") if variant else []
    pythons = [part for part in parts if PYTHON.fullmatch(part)]
    options = listing([part for part in parts if part not in pythons])
    words = [f"with {options}"] if options else []
    return " ".join([*words, *(f"on {python}" for python in pythons)]) or "without"


def shortened(names: Sequence[str], rest: str = "more") -> str:
    """List names; of more than four, three and the number of the others."""
    others = len(names) - NAMED
    return listing(names if others < 2 else [*names[:NAMED], f"{others} {rest}"])


def headline(slo: Slo | str) -> str:
    return f"Highest load that meets {slo} (requests per second)"


def interval_text(result: CellResult) -> str:
    """Return the capacity: two rates, or "≥ 400" at the generator's limit, or "none (< 4)".

    Without a result, it is "unfinished (≈ 195?)", with the prediction if there is one.
    """
    if not result.measured or result.interval is None:
        guess = predicted_text(result)
        return f"{UNFINISHED} ({guess})" if guess else UNFINISHED
    if not result.sustained:
        return f"none (< {rate_text(result.high)})" if result.high else "none"
    return range_text(result.interval)


def range_text(rates: Range) -> str:
    """Return the interval; it has no upper end where the generator was the limit."""
    low, high = rate_text(rates.low), rate_text(rates.high) if isfinite(rates.high) else ""
    return low if low == high else f"{low}{DASH}{high}" if high else f"≥ {low}"


def absence(result: CellResult | None) -> str:
    """Say why a cell lacks a result."""
    if result is None:
        return "not requested"
    return (result.unavailable or result.error or "no number was reported").rstrip(".")


def predicted_text(result: CellResult) -> str:
    return "" if result.predicted is None else f"≈ {rate_text(result.predicted)}?"


def ratio_text(ratio: Range) -> str:
    """Return how many times as much, with its interval: "1.9 × (1.7–2.1)".

    Without an upper end, it is the least that is sure: "at least 24 ×".
    """
    if not isfinite(ratio.high):
        places = 0 if ratio.low >= 10 else 1
        return f"at least {floor(ratio.low * 10**places) / 10**places:.{places}f} {TIMES}"
    digits = 0 if ratio.value >= 19.95 else 1 if ratio.value >= 1.495 else 2
    value, low, high = (f"{number:.{digits}f}" for number in ratio)
    return f"{value} {TIMES} ({low}{DASH}{high})"


def cause_short(result: CellResult) -> str:
    """Name what limited a cell; nothing if it never failed."""
    return result.cause or (UNKNOWN if result.broke_by else "")


def cause_sentence(result: CellResult) -> str:
    """Return the same as a clause, with the number that proves it, or that shows what is known."""
    if result.blamed and not result.cause:
        return f"the cause is unknown (a proof withdrew {result.blamed})"
    sentence = result.cause_evidence.get("sentence") or result.cause
    return str(sentence or ("the cause is unknown" if result.broke_by else ""))


def guilty_text(result: CellResult) -> str:
    """Say which line of code limits a cell, and how often it was seen at it; empty if unknown."""
    return _guilty_text(result.guilty)


def autopsy_text(line: Mapping[str, Any]) -> str:
    """Say the same of the outcome of an autopsy, or why there is none."""
    return _guilty_text(line) or f"its line of code is not known: {_reason_text(line)}"


def _guilty_text(line: Mapping[str, Any]) -> str:
    if not line.get("function"):
        return ""
    place = f"`{line['function']}` in {line['file']}:{line['line']}"
    if line.get("doing") and line.get("own"):  # what it waited for
        return f"{place} {line['kind']} {line['doing']} in {percent(line['share'])} of samples"
    if line.get("doing"):
        place = f"{line['doing']} ({place})"
    text = f"{place} {line['kind']} in {percent(line['share'])} of samples"
    if line.get("own"):
        return text
    rest = [f"{what} in {percent(share)}" for what, share in (line.get("besides") or {}).items()]
    return ", ".join((text, *rest))


def guilty_reason(result: CellResult) -> str:
    """Say why the line is not known, and what would help; empty if it is, or was not looked for."""
    return _reason_text(result.guilty)


def _reason_text(line: Mapping[str, Any]) -> str:
    reason, advice = line.get("reason"), line.get("advice")
    return f"{reason}; {advice}" if reason and advice else str(reason or "")
