"""The table "At your load": which rows hold a load, and with what headroom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, floor, fsum, log, log10

from loadtests.cell import Cell
from loadtests.report.at_load import AtLoad, at_load
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.wording import TIMES

SIGNS = {"holds": "✓", "fails": "✗", "cannot tell": "?"}


@dataclass(frozen=True, slots=True)
class LoadCell:
    """Whether a cell holds the load; the page has its interval too, to try others."""

    outcome: str
    times: str
    low: float
    value: float
    high: float | str

    @property
    def sign(self) -> str:
        return SIGNS[self.outcome]


@dataclass(frozen=True, slots=True)
class LoadTable:
    rate: float
    workloads: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[LoadCell | None, ...]], ...]


def load_table(
    results: Sequence[CellResult], rate: float, loads: Mapping[Cell, TrialRecord]
) -> LoadTable:
    """Arrange the rows that have a result, with their trials at this rate.

    Without a rate, take a round one amid them.
    """
    measured = [cell for cell in results if cell.measured]
    rate = rate or typical([cell.capacity for cell in measured if cell.capacity])
    workloads = tuple(dict.fromkeys(cell.workload for cell in measured))
    known = {
        (cell.row, cell.workload): _shown(cell, at_load(cell, rate, loads.get(cell.cell)))
        for cell in measured
    }
    rows = tuple(
        (row, model, tuple(known.get((row, workload)) for workload in workloads))
        for row, model in {cell.row: cell.model for cell in measured}.items()
    )
    return LoadTable(rate, workloads, rows)


def typical(capacities: Sequence[float]) -> float:
    """Return a number with one digit, at most the geometric mean."""
    if not capacities:
        return 1.0
    mean = exp(fsum(map(log, capacities)) / len(capacities))
    power = 10.0 ** floor(log10(mean))
    return float(f"{floor(mean / power) * power:g}")


def _shown(cell: CellResult, known: AtLoad) -> LoadCell:
    """Add the interval of the capacity; `times` leaves out that of the headroom."""
    outcome = "cannot tell" if known.held is None else "holds" if known.held else "fails"
    value, high = cell.capacity or 0.0, "" if cell.unbounded else cell.high
    times = value / known.rate
    digits = 2 if times < 1.495 else 1 if times < 19.95 else 0
    text = f"{'≥ ' if cell.unbounded else ''}{times:.{digits}f} {TIMES}"
    return LoadCell(outcome, text, cell.sustained, value, high)
