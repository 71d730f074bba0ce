"""What the lines of a run file say, as data; the only place that knows their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, NamedTuple, TypeVar

Line = Mapping[str, Any]
T = TypeVar("T")


class ResultsError(Exception):
    """A run file or its folder cannot be used; the message says why and what to do next."""


class Cell(NamedTuple):
    """A workload under a model, and under a Python where a run compares several."""

    workload: str
    model: str
    python: str = ""

    @property
    def row(self) -> str:
        """What stands at the left of a matrix: `thread-pool`, or `thread-pool · 3.13t`."""
        return f"{self.model} · {self.python}" if self.python else self.model


Beyond = Mapping[Cell, Mapping[str, Line]]  # the figures of each kind, or the reason for none


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the scheduled requests of one trial, of the workload or the bystander."""

    scheduled: int = 0
    ok: int = 0
    late: int = 0
    refused: int = 0
    expired: int = 0
    failed: int = 0
    wrong: int = 0
    unfinished: int = 0
    unsent: int = 0
    loss_ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    goodput: float | None = None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What readers need of a trial; `at` is in seconds since the start of the run."""

    workload: str
    model: str
    rate: float
    valid: bool
    held: bool
    python: str = ""
    at: float = 0.0
    duration_s: float = 0.0
    elapsed_s: float = 0.0
    broke_by: str | None = None
    reasons: tuple[str, ...] = ()
    work: Counts = field(default_factory=Counts)
    bystander: Counts = field(default_factory=Counts)
    generator_cpu: float | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.python)


@dataclass(frozen=True, slots=True)
class CellResult:
    """The capacity of one cell, or why there is none."""

    workload: str
    model: str
    python: str = ""
    held: float | None = None
    broke: float | None = None
    interval: tuple[float | None, float | None] | None = None
    unavailable: str | None = None
    error: str | None = None
    trials: int = 0
    discarded: int = 0
    bystander_p99_ms: float | None = None
    cpu_ms_per_request: float | None = None
    pss_mib: float | None = None
    broke_by: str | None = None
    saturation: float | None = None
    at: float = 0.0
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.python)

    @property
    def row(self) -> str:
        return self.cell.row

    @property
    def measured(self) -> bool:
        """Whether `held` is a result that can be trusted."""
        return self.held is not None and not self.unavailable and not self.error

    @property
    def bears(self) -> float:
        return self.held or 0.0

    @property
    def unbounded(self) -> bool:
        """Whether the search met its upper limit before the cell broke."""
        return self.measured and self.bears > 0 and self.broke is None

    @property
    def low(self) -> float:
        known = self.interval[0] if self.interval else None
        return self.bears if known is None else known

    @property
    def high(self) -> float:
        known = self.interval[1] if self.interval else self.broke
        return inf if self.unbounded else known or self.low

    @property
    def midpoint(self) -> float:
        return self.bears if self.unbounded else (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class End:
    """How the measuring process ended, with the exit code that it asks for."""

    exit: int
    reason: str | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The first line of a run file: what was asked for, where, and by which objective."""

    started: str
    slo: str
    mode: str
    cells: tuple[Cell, ...]
    seed: int | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    beyond_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run file; `end` is None while it goes on, or if it was interrupted."""

    plan: Plan
    trials: tuple[TrialRecord, ...] = ()
    results: Mapping[Cell, CellResult] = field(default_factory=dict)
    beyond: Beyond = field(default_factory=dict)
    end: End | None = None


def cell_of(line: Line) -> Cell:
    return Cell(line["workload"], line["model"], line.get("python", ""))


def plan_of(line: Line) -> Plan:
    return _fill(Plan, line, cells=tuple(map(cell_of, line["cells"])))


def trial_of(line: Line) -> TrialRecord:
    work, bystander = (_fill(Counts, line.get(side) or {}) for side in ("work", "bystander"))
    reasons = tuple(line.get("reasons") or ())
    return _fill(TrialRecord, line, work=work, bystander=bystander, reasons=reasons)


def result_of(line: Line) -> CellResult:
    low_high = line.get("interval")
    interval = tuple(low_high) if low_high else None
    return _fill(CellResult, line, interval=interval, warnings=tuple(line.get("warnings") or ()))


def end_of(line: Line) -> End:
    return _fill(End, line)


def _fill(record: Callable[..., T], line: Line, **parsed: object) -> T:
    # Keys that we do not know are left out: writers may say more than these readers need.
    known = {item.name for item in fields(record)}  # type: ignore[arg-type]
    return record(**{name: value for name, value in line.items() if name in known} | parsed)
