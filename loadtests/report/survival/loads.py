"""The table "At your load": which rows hold a load, and with what headroom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, floor, fsum, log, log10

from loadtests.cell import Cell
from loadtests.report.at_load import AtLoad, at_load
from loadtests.report.check import SIGNS, Outcome
from loadtests.report.summary import Summary
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.wording import TIMES, rate_text


@dataclass(frozen=True, slots=True)
class LoadCell:
    """Whether a cell holds the load; the page has its interval too, to try others."""

    outcome: Outcome
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


def load_notes(summary: Summary) -> Iterator[str]:
    """Say for each workload which rows hold the load that was requested, if any."""
    for workload in dict.fromkeys(cell.workload for cell in summary.cells):
        rows: dict[str, list[str]] = {}
        rate = 0.0
        for cell in summary.cells:
            known = summary.at_load.get(cell.cell)
            if known and cell.workload == workload and not cell.unavailable:
                times, rate = f" ({_times(cell, known.rate)})" if cell.measured else "", known.rate
                rows.setdefault(_outcome(known), []).append(f"{cell.row}{times}")
        clauses = [
            f"{SIGNS[outcome]} {', '.join(rows[outcome])}" for outcome in SIGNS if outcome in rows
        ]
        if clauses:
            yield f"`{workload}` at {rate_text(rate)} req/s: {'; '.join(clauses)}."


def _shown(cell: CellResult, known: AtLoad) -> LoadCell:
    """Add the interval of the capacity; `times` leaves out that of the headroom."""
    value, high = cell.capacity or 0.0, "" if cell.unbounded else cell.high
    return LoadCell(_outcome(known), _times(cell, known.rate), cell.sustained, value, high)


def _outcome(known: AtLoad) -> Outcome:
    return "cannot tell" if known.held is None else "holds" if known.held else "fails"


def _times(cell: CellResult, rate: float) -> str:
    """Write the capacity as a multiple of a rate."""
    times = (cell.capacity or 0.0) / rate
    digits = 2 if times < 1.495 else 1 if times < 19.95 else 0
    return f"{'≥ ' if cell.unbounded else ''}{times:.{digits}f} {TIMES}"
