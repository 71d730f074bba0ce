"""What the lines of a run file say, as data; the only place that knows their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from loadtests.cell import Cell
from loadtests.run.file.cells import CellResult
from loadtests.run.options import request_of

Line = Mapping[str, Any]
T = TypeVar("T")


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
    spectrum_ms: tuple[float | None, ...] = ()  # at the percentiles of `tally.SPECTRUM`


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What readers need of a trial; `at` is in seconds since the start of the run.

    `evidence` is what `evidence.Evidence` holds, `cause` what was concluded from it.
    """

    workload: str
    model: str
    rate: float
    valid: bool
    held: bool
    python: str = ""
    search: int = 0
    at: float = 0.0
    duration_s: float = 0.0
    elapsed_s: float = 0.0
    short: bool = False
    broke_by: str | None = None
    cause: Mapping[str, Any] | None = None
    reasons: tuple[str, ...] = ()
    work: Counts = field(default_factory=Counts)
    bystander: Counts = field(default_factory=Counts)
    generator_cpu: float | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cpu_ms_per_request: float | None = None
    pss_mib: float | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.python)


@dataclass(frozen=True, slots=True)
class End:
    """How the measuring process ended, with the exit code that it asks for."""

    exit: int
    reason: str | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The first line of a run file: what was asked for, where, and by which objective.

    `absent` are those of its cells which the service has said that it does not offer.
    """

    started: str
    slo: str
    mode: str
    cells: tuple[Cell, ...]
    searches: int = 1
    seed: int | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    beyond_s: float = 0.0
    absent: tuple[Cell, ...] = ()


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
    line = request_of(line)
    absent = tuple(map(cell_of, line.get("absent") or ()))
    return _fill(Plan, line, cells=tuple(map(cell_of, line["cells"])), absent=absent)


def resumed(plan: Plan, line: Line) -> Plan:
    """Take in that a run goes on: it may have been asked for more than before."""
    line = request_of(line)
    more = {name: line[name] for name in ("searches", "arguments", "beyond_s") if name in line}
    return replace(plan, **more)


def trial_of(line: Line) -> TrialRecord:
    work, bystander = (_counts(line.get(side) or {}) for side in ("work", "bystander"))
    reasons = tuple(line.get("reasons") or ())
    return _fill(TrialRecord, line, work=work, bystander=bystander, reasons=reasons)


def result_of(line: Line) -> CellResult:
    low_high = line.get("interval")
    return _fill(
        CellResult,
        line,
        interval=tuple(low_high) if low_high else None,
        warnings=tuple(line.get("warnings") or ()),
        goals={slo: tuple(bounds) for slo, bounds in (line.get("goals") or {}).items()},
        cause_evidence=line.get("cause_evidence") or {},
        tried=tuple(tuple(one) for one in line.get("tried") or ()),
    )


def end_of(line: Line) -> End:
    return _fill(End, line)


def _counts(said: Line) -> Counts:
    return _fill(Counts, said, spectrum_ms=tuple(said.get("spectrum_ms") or ()))


def _fill(record: Callable[..., T], line: Line, **parsed: object) -> T:
    # Keys that we do not know are left out: writers may say more than these readers need.
    known = {item.name for item in fields(record)}  # type: ignore[arg-type]  # some dataclass
    return record(**{name: value for name, value in line.items() if name in known} | parsed)
