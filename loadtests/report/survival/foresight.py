"""What was predicted of each cell before its search, how it came out, and what was proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.survival.matrix import ABSENT, Entry
from loadtests.wording import percent, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loadtests.cell import Cell
    from loadtests.report.summary import Summary
    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import Line

TITLE = (
    "What arithmetic allows (the resource that ends first), what that predicted before the search, "
    "and how much of the ceiling was reached"
)
RESOURCES = {"cores": "cores", "gil": "the GIL", "loop": "the event loop", "slots": "the pool"}


def foreseen(line: Line) -> str:
    """Say what a line of the run file predicts."""
    resource = RESOURCES.get(line["binding"], line["binding"])
    return (
        f"predicted {rate_text(line['predicted'])} req/s "
        f"({resource} would end at {rate_text(line['ceiling'])})"
    )


def foresight_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show ceilings and predictions; empty where there was none."""
    if all(cell.ceiling is None for cell in summary.cells):
        return {}
    return {cell.cell: _entry(cell) for cell in summary.cells}


def _entry(cell: CellResult) -> Entry:
    if cell.ceiling is None or not cell.measured:
        return Entry(ABSENT, style="dim")
    small = [] if cell.predicted is None else [f"≈ {rate_text(cell.predicted)}"]
    if cell.efficiency is not None:
        small.append(f"{'≥ ' if cell.unbounded else ''}{percent(cell.efficiency)}")
    resource = RESOURCES.get(cell.binding or "", cell.binding or "")
    return Entry(f"{rate_text(cell.ceiling)} {resource.removeprefix('the ')}", ", ".join(small))


def proofs(summary: Summary) -> Iterator[str]:
    """Say of each cell what became of the claim about its cause."""
    for cell in summary.cells:
        if cell.proof:
            yield f"`{cell.workload}` under {cell.row}: {said_of(cell.proof)}"


def said_of(proof: Mapping[str, object]) -> str:
    """Tell what a proof came to."""
    return str(proof.get("sentence") or f"no proof: {proof.get('reason')}")
