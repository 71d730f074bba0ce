"""The lines of a run file as values: written with `encode`, restored with `decode`.

Nothing else knows their keys. A line is a flat JSON object: the fields of the values that it holds
stand beside each other, whatever they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from loadtests.cell import Cell, Variation
from loadtests.run.constants import CONSTANTS, Constants
from loadtests.run.file.cells import CellResult, Standing
from loadtests.run.options import request_of
from loadtests.slo import Slo
from loadtests.trial.trial import Trial

Line = Mapping[str, Any]
Beyond = Mapping[Cell, Mapping[str, Line]]  # the figures of each kind, or the reason for none
T = TypeVar("T")

SCALARS: Mapping[Any, Any] = {str: str, int: int | float, float: int | float}

# The fields of a trial that was written by hand, or before they were recorded.
UNRECORDED = {
    "duration_s": 0.0,
    "work": {},
    "bystander": {},
    "drained": True,
    "generator_cpu": 0.0,
}


def encode(value: Any) -> Any:
    """Return plain data for JSON: fields by their names; infinite and undefined numbers as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: encode(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    return [encode(item) for item in value] if isinstance(value, list | tuple) else value


def decode(kind: type[T], data: Line) -> T:
    """Restore a dataclass from what `encode` returned; an objective from its text.

    Fields that are missing, or null where they cannot be, have their defaults. Keys that are not
    fields are left out: a line holds more than one reader needs. Raises TypeError for what lacks a
    field without default, or has text for a number.
    """
    hints = _hints(kind)  # type: ignore[arg-type]  # types are hashable
    given = {name: data[name] for name in hints if data.get(name) is not None}
    return kind(**{name: _restore(hints[name], value) for name, value in given.items()})


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _restore(kind: Any, value: Any) -> Any:  # noqa: PLR0911 - one for each kind of type
    if value is None:
        return math.inf if kind is float else None  # as `encode` writes it
    if get_origin(kind) is Mapping:
        of = get_args(kind)[1]
        return {name: _restore(of, item) for name, item in value.items()}
    if get_origin(kind) in {Union, UnionType}:
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if is_dataclass(kind) and isinstance(kind, type):
        return Slo.parse(value) if kind is Slo else decode(kind, value)
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return tuple(_restore(item, part) for part in value)
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        if isinstance(value, Mapping):
            return kind(**value)
        return kind(*map(_restore, _hints(kind).values(), value))
    if not isinstance(value, SCALARS.get(kind, object)):
        raise TypeError(f"{value!r:.40} in place of {kind.__name__}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord(Trial):
    """A trial and its verdict; `at` is in seconds since the start of the run.

    `evidence` is what `trial.evidence.Evidence` holds, `cause` what was concluded from it. A trial
    of the row that is measured `again`, under another name, says nothing more of its cell. One
    at the user's `load` is not part of any estimate.
    """

    valid: bool
    held: bool
    variant: str = ""
    round: int = 0
    again: bool = False
    load: bool = False
    at: float = 0.0
    elapsed_s: float = 0.0
    broke_by: str | None = None
    cause: Mapping[str, Any] | None = None
    reasons: tuple[str, ...] = ()
    machine: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cpu_ms_per_request: float | None = None
    pss_mib: float | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.variant)

    @property
    def outcome(self) -> str:
        """Say whether it passed, failed, or does not count."""
        return ("passed" if self.held else "failed") if self.valid else "void"


@dataclass(frozen=True, slots=True)
class End:
    """How the measuring process ended, with the exit code that it asks for."""

    exit: int
    reason: str | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The first line of a run file: what was requested, where, and by which objective.

    `absent` are those of its cells which the service does not offer. `workloads` has what each of
    them is (`doc`), its `parameters` and their `units`; `cannot` the promises that each model does
    not keep, with the reasons. `variations` are what varies between the rows of a model.
    """

    started: str
    slo: Slo
    mode: str
    cells: tuple[Cell, ...]
    seed: int | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    beyond_s: float = 0.0
    absent: tuple[Cell, ...] = ()
    constants: Constants = CONSTANTS
    workloads: Mapping[str, Line] = field(default_factory=dict)
    cannot: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variations: Mapping[str, Variation] = field(default_factory=dict)  # by label


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run file; `end` is None while it goes on, or if it was interrupted."""

    plan: Plan
    trials: tuple[TrialRecord, ...] = ()
    results: Mapping[Cell, CellResult] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)  # by workload
    stacks: Mapping[Cell, Mapping[str, int]] = field(default_factory=dict)  # seen by an autopsy
    beyond: Beyond = field(default_factory=dict)
    end: End | None = None

    @property
    def loads(self) -> Mapping[Cell, TrialRecord]:
        """The last trial of each cell at the user's load."""
        return {trial.cell: trial for trial in self.trials if trial.load}


def cell_of(line: Line) -> Cell:
    return Cell(line["workload"], line["model"], _with_variant(line).get("variant", ""))


def _with_variant(line: Line) -> Line:
    """Return a line about a cell; in older files nothing but the Python could vary."""
    return {**line, "variant": line["python"]} if "python" in line else line


def plan_of(line: Line) -> Plan:
    cells = {
        name: [cell_of(cell)._asdict() for cell in line[name]]
        for name in ("cells", "absent")
        if name in line
    }
    pythons = {cell["python"] for cell in line.get("cells", ()) if cell.get("python")}
    variations = {label: {"python": label} for label in pythons}
    return decode(Plan, {"variations": variations, **request_of(line), **cells})


def resumed(plan: Plan, line: Line) -> Plan:
    """Update the plan of a run that is resumed: it may ask for more than before."""
    line = request_of(line)
    more = {name: line[name] for name in ("arguments", "beyond_s") if name in line}
    return replace(plan, **more)


def with_variation(plan: Plan, line: Line) -> Plan:
    """Add how a row differs from others that was not planned from the start."""
    variation = decode(Variation, line)
    return replace(plan, variations={**plan.variations, variation.label: variation})


def trial_of(line: Line) -> TrialRecord:
    return decode(TrialRecord, {**UNRECORDED, **_with_variant(line)})


def result_of(line: Line) -> CellResult:
    """Return the result of a cell; one with a state has no error unless it says so."""
    return decode(CellResult, {**_with_variant(line), "error": line.get("error") or ""})


def standing_of(line: Line) -> Standing:
    return decode(Standing, line)


def end_of(line: Line) -> End:
    return decode(End, line)
