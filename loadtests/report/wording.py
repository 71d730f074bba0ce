"""Capacities and causes in words, the same in every report."""

from collections.abc import Sequence

from loadtests.cell import Cell
from loadtests.run.file.cells import CellResult
from loadtests.slo import Slo
from loadtests.wording import DASH, listing, rate_text

AT_LEAST = (
    "lower bound: still passing at the highest rate that the load generator can offer (raise it "
    "with --generators), or every trial at a higher rate was void"
)
NAMED = 3
UNKNOWN = "unknown"  # the cause if no resource that was watched ran out

# The `broke_by` of a trial → in a table, in a sentence.
SIGNS = {
    "bystander": ("/health late", "/health was starved"),
    "backlog": ("backlog grew", "the backlog kept growing"),
    "drain": ("no drain", "the backlog did not drain"),
    "refused": ("queue full", "the queue was full"),
    "expired": ("expired", "requests passed their deadline"),
    "wrong": ("wrong", "answers were wrong"),
    "failed": ("failed", "requests failed"),
    "unfinished": ("unfinished", "requests never finished"),
    "late": ("too late", "answers came too late"),
}


def name_of(cell: Cell | CellResult) -> str:
    return f"`{cell.workload}` under {cell.row}"


def shortened(names: Sequence[str], rest: str = "more") -> str:
    """List names; of more than four, three and the number of the others."""
    others = len(names) - NAMED
    return listing(names if others < 2 else [*names[:NAMED], f"{others} {rest}"])


def headline(slo: Slo | str) -> str:
    return f"Highest load that meets {slo} (requests per second)"


def interval_text(result: CellResult) -> str:
    """Return the capacity: two rates, "≥ 400" at the search's limit, or "none (< 4)".

    A question mark follows if there were too few requests to show the percentile.
    """
    if not result.sustained:
        return f"none (< {rate_text(result.broke)})" if result.broke else "none"
    if result.unbounded:
        return f"≥ {rate_text(result.sustained)}"
    low, high = rate_text(result.sustained), rate_text(result.high)
    return low if low == high else f"{low}{DASH}{high}"


def cause_short(result: CellResult) -> str:
    """Name the resource that limited a cell, or else the symptom of the trial that broke."""
    if result.cause and result.cause != UNKNOWN:
        return result.cause
    return _sign(result.broke_by)[0]


def cause_sentence(result: CellResult) -> str:
    """Return the same as a clause, with the number that proves it."""
    if result.cause and result.cause != UNKNOWN:
        return str(result.cause_evidence.get("sentence") or result.cause)
    return _sign(result.broke_by)[1]


def not_shown(workload: str, cells: Sequence[CellResult], slo: Slo) -> str:
    rates = listing([interval_text(cell) for cell in cells])
    rows = listing([cell.row for cell in cells])
    lacks = listing(list(dict.fromkeys(cell.lack for cell in cells)))
    verb = "meets" if len(cells) == 1 else "meet"
    return (
        f"`{workload}`: too few requests to show that {rows} {verb} {slo} at {rates} req/s: "
        f"{lacks}."
    )


def _sign(broke_by: str | None) -> tuple[str, str]:
    return SIGNS.get(broke_by or "", (broke_by or "", broke_by or ""))
