"""The table "At your load": which rows hold a load, and with what headroom."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, floor, fsum, log, log10

from loadtests.report.at_load import LoadOutcome, at_load
from loadtests.run.file.cells import CellResult
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


def load_table(results: Sequence[CellResult], rate: float | None) -> LoadTable:
    """Arrange the rows that have a result; without a rate, take a round one amid them."""
    measured = [cell for cell in results if cell.measured]
    rate = rate or typical([cell.capacity for cell in measured if cell.capacity])
    workloads = tuple(dict.fromkeys(cell.workload for cell in measured))
    known = {
        (cell.row, cell.workload): _shown(cell, outcome, rate)
        for cell, outcome in zip(measured, at_load(measured, rate), strict=True)
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


def _shown(cell: CellResult, outcome: LoadOutcome, rate: float) -> LoadCell:
    """Add the interval of the capacity; `times` leaves out that of the headroom."""
    value, high = cell.capacity or 0.0, "" if cell.unbounded else cell.high
    times = value / rate
    digits = 2 if times < 1.495 else 1 if times < 19.95 else 0
    text = f"{'≥ ' if cell.unbounded else ''}{times:.{digits}f} {TIMES}"
    return LoadCell(outcome.outcome, text, cell.sustained, value, high)
