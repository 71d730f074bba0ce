"""What a run found out: the capacity of each cell, and how the rows of a workload compare."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from loadtests.capacity.estimate import Range
from loadtests.capacity.prediction import efficiency, score
from loadtests.cell import Cell

NOT_MEASURED = "not measured: the run had ended"  # the error of a cell that was never begun
State = Literal["measured", "at generator limit", "unfinished", "unavailable"]


class Witness(NamedTuple):
    """Trials near the capacity: requests lost, and how many the estimate expects to be lost.

    `factor` is the offered rate as a multiple of the estimated capacity.
    """

    factor: float
    lost: float
    expected: float
    requests: int


@dataclass(frozen=True, slots=True)
class CellResult:
    """The capacity of a cell and what a request costs there, or why it is not known.

    `interval` is the capacity in requests per second with its 95 % interval: all zero but `high`
    where it sustains no load, without an end where the generator was the limit. It is stated at
    `demand_s`, what a request takes of the resource `binding`; `cpu_share` is the part of that
    which follows the speed of the machine. `ceiling` is where the resource would be used up.
    `broke_by` is the symptom of a failed trial, `cause` what was concluded from the evidence.
    `remedy` is the change that should move the capacity, with the range of ratios it predicts, or
    the reason why there is none; `guilty` the line of code that an autopsy blames, or the reason.
    """

    workload: str
    model: str
    variant: str = ""
    state: State = "unfinished"
    interval: Range | None = None
    unavailable: str | None = None
    error: str | None = NOT_MEASURED
    rounds: int = 0
    demand_s: float | None = None
    cpu_share: float = 0.0
    utilisation: float | None = None
    trials: int = 0
    discarded: int = 0
    witness: tuple[Witness, ...] = ()
    goals: Mapping[str, Range] = field(default_factory=dict)  # for other percentiles
    bystander_p99_ms: float | None = None
    cpu_ms_per_request: float | None = None
    pss_mib: float | None = None
    ceiling: float | None = None
    binding: str | None = None
    predicted: float | None = None
    peak_goodput: float | None = None
    broke_by: str | None = None
    blamed: str | None = None
    cause_evidence: Mapping[str, Any] = field(default_factory=dict)
    proof: Mapping[str, Any] = field(default_factory=dict)  # the outcome of proving the cause
    remedy: Mapping[str, Any] = field(default_factory=dict)
    guilty: Mapping[str, Any] = field(default_factory=dict)
    unsteady: str | None = None  # in words, if its demand changed from trial to trial
    at: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.variant)

    @property
    def row(self) -> str:
        return self.cell.row

    @property
    def measured(self) -> bool:
        """Whether there is a result that can be trusted."""
        return self.interval is not None and self.state in {"measured", "at generator limit"}

    @property
    def unbounded(self) -> bool:
        """Whether the generator reached its limit before the cell failed."""
        return self.measured and self.state == "at generator limit"

    @property
    def capacity(self) -> float | None:
        """The best estimate; at the limit of the generator the cell sustains at least so much."""
        return self.interval.value if self.interval and self.measured else None

    @property
    def held(self) -> float | None:
        """The lower end of the interval."""
        return self.interval.low if self.interval and self.measured else None

    @property
    def broke(self) -> float | None:
        """The upper end of the interval, if there is one."""
        return self.interval.high if self.interval and self.measured else None

    @property
    def sustained(self) -> float:
        return self.held or 0.0

    @property
    def high(self) -> float:
        return math.inf if self.unbounded else self.broke or self.sustained

    @property
    def score(self) -> float | None:
        """Measured ÷ predicted."""
        if self.capacity is None or self.predicted is None:
            return None
        return score(self.predicted, self.capacity, unbounded=self.unbounded)

    @property
    def efficiency(self) -> float | None:
        """Measured ÷ ceiling; at least so much at the limit of the generator."""
        if self.capacity is None or self.ceiling is None:
            return None
        return efficiency(self.capacity, self.ceiling)

    @property
    def cause(self) -> str | None:
        """The cause of the failed trials, unless its proof has withdrawn it."""
        return None if self.proof.get("stands") is False else self.blamed


class RowRatio(NamedTuple):
    """How many times as much as `other` a row sustains, from trials of the same rounds."""

    row: str
    other: str
    ratio: Range


@dataclass(frozen=True, slots=True)
class Standing:
    """How the rows of a workload compare after so many rounds: known rows only, by their labels.

    `ties` are the rows that may be the best. `speed` is the middle 90 % of what the same work cost
    in the trials, relative to the median. `again` compares a row with itself under another name.
    """

    workload: str
    rounds: int = 0
    rows: Mapping[str, Range] = field(default_factory=dict)
    ties: tuple[str, ...] = ()
    ratios: tuple[RowRatio, ...] = ()
    speed: tuple[float, ...] = ()
    again: RowRatio | None = None
    at: float = 0.0

    def ratio(self, row: str, other: str) -> Range | None:
        """Return the ratio of two rows, if they are known to have met."""
        for known in self.ratios:
            if (known.row, known.other) == (row, other):
                return known.ratio
            if (known.row, known.other) == (other, row):
                return known.ratio.inverse
        return None

    def more(self, row: str, other: str) -> bool:
        """Whether a row sustains significantly more than another."""
        known = self.ratio(row, other)
        return known is not None and known.low > 1
