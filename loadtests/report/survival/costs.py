"""What each cell cost the machine at the rate that it held, and what the bystander felt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.survival.matrix import ABSENT, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtests.cell import Cell
    from loadtests.report.summary import Summary
    from loadtests.run.file.cells import CellResult

TITLE = (
    "CPU per request at the rate held; below it, memory of all processes (PSS in MiB) "
    "and p99 of the bystander"
)


def costs_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show what each cell cost; empty where no process could be watched."""
    if all(cell.cpu_ms_per_request is None for cell in summary.cells):
        return {}
    return {cell.cell: _entry(cell) for cell in summary.cells}


def _entry(cell: CellResult) -> Entry:
    if not cell.measured:
        return Entry(ABSENT, style="dim")
    cpu, pss, bystander = cell.cpu_ms_per_request, cell.pss_mib, cell.bystander_p99_ms
    small = [] if pss is None else [f"{pss:.0f}M"]
    if bystander is not None:
        small.append(f"{bystander:.{0 if bystander >= 9.95 else 1}f} ms")
    return Entry("?" if cpu is None else f"{cpu:.3g} ms", ", ".join(small))
