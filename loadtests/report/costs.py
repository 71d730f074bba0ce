"""What each cell cost the machine at the rate that it held, and what the bystander felt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.matrix import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtests.records import Cell, CellResult
    from loadtests.summary import Summary

TITLE = (
    "CPU per request at the rate held; below it, memory of all processes (PSS) "
    "and p99 of the bystander"
)


def costs_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show what each measured cell cost; empty where no process could be watched."""
    measured = [cell for cell in summary.cells if cell.measured]
    if all(cell.cpu_ms_per_request is None for cell in measured):
        return {}
    return {cell.cell: _entry(cell) for cell in measured}


def _entry(cell: CellResult) -> Entry:
    cpu, pss, bystander = cell.cpu_ms_per_request, cell.pss_mib, cell.bystander_p99_ms
    small = [] if pss is None else [f"{pss:.0f} MiB"]
    if bystander is not None:
        small.append(f"{bystander:.{0 if bystander >= 9.95 else 1}f} ms")
    return Entry("?" if cpu is None else f"{cpu:.3g} ms", ", ".join(small))
