"""The run file of a surge as data; the only place that knows the keys of its lines."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from loadtests.errors import RunFileError
from loadtests.load.schedule import patience_s
from loadtests.load.spec import SETTLE_S
from loadtests.run.beyond.goodput import HELD_S
from loadtests.run.file.lines import Line
from loadtests.run.file.run_file import FILE_NAME, SCHEMA, Tail, run_file
from loadtests.run.surge.phases import PROBES, SHARES
from loadtests.slo import Slo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SURGE = "surge"  # the mode in the first line


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """The outcomes of requests, by their intended start.

    `good` got the right answer within the SLO, `late` the right one too late, `refused` a 503 or
    504; the clients of `gave_up` hung up; `failed` is everything else.
    """

    offered: int
    good: int = 0
    late: int = 0
    refused: int = 0
    gave_up: int = 0
    failed: int = 0

    @property
    def share(self) -> float:
        """The share of the offered requests that was good."""
        return self.good / self.offered if self.offered else 0.0


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """One phase of the load and its outcome; p99 covers right answers only."""

    name: str
    start_s: float
    duration_s: float
    rate: float
    counts: OutcomeCounts
    p99_ms: float | None

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def goodput(self) -> float:
        return self.counts.good / self.duration_s

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "counts": OutcomeCounts(**data["counts"])})


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The surge under one policy: its three phases, every second of it, and how it ended.

    `held` and `waited_for` were counted together at the end: the requests that the server had
    queued or was running, and the clients that still waited for an answer.
    """

    policy: str
    phases: tuple[PhaseResult, ...] = ()
    series: tuple[OutcomeCounts, ...] = ()
    recovery_s: float | None = None
    queue: int | None = None
    held: int | None = None
    waited_for: int | None = None
    flaws: tuple[str, ...] = ()
    error: str | None = None

    @property
    def before(self) -> PhaseResult:
        return self.phases[0]

    @property
    def surge(self) -> PhaseResult:
        return self.phases[1]

    @property
    def after(self) -> PhaseResult:
        return self.phases[2]

    @classmethod
    def of(cls, line: Line) -> Self:
        if line.get("error"):
            return cls(line["policy"], error=line["error"])
        return cls(
            policy=line["policy"],
            phases=tuple(map(PhaseResult.from_json, line["phases"])),
            series=rows(line["series"]),
            recovery_s=line["recovery_s"],
            queue=line["queue"],
            held=line["held"],
            waited_for=line["waited_for"],
            flaws=tuple(line["flaws"]),
        )


@dataclass(frozen=True, slots=True)
class Surge:
    """A whole run, finished or not."""

    started: str
    environment: Mapping[str, Any]
    command: str
    workload: str
    model: str
    policies: tuple[str, ...]
    slo: Slo
    durations: tuple[float, ...]
    capacity: float | None = None
    target_s: float | None = None
    results: tuple[PolicyResult, ...] = ()
    warnings: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def measured(self) -> tuple[PolicyResult, ...]:
        return tuple(result for result in self.results if not result.error)

    @property
    def trusted(self) -> bool:
        """Whether every policy has figures, from a generator that kept its schedule."""
        complete = len(self.results) == len(self.policies)
        return complete and not any(result.error or result.flaws for result in self.results)


def constants(slo: Slo) -> dict[str, Any]:
    """Return the constants of a surge; older run files lack them, and get today's."""
    return {
        "loads": list(SHARES),
        "settle_s": SETTLE_S,
        "patience_s": patience_s(slo),
        "held_s": HELD_S,
        "probes": PROBES,
    }


def columns(series: Sequence[OutcomeCounts]) -> dict[str, list[int]]:
    """Turn a series into columns, as a run file stores it."""
    names = [field.name for field in fields(OutcomeCounts)]
    return {name: [getattr(second, name) for second in series] for name in names}


def rows(data: Mapping[str, Sequence[int]]) -> tuple[OutcomeCounts, ...]:
    """Turn columns back into a series."""
    return tuple(
        OutcomeCounts(**dict(zip(data, values, strict=True)))
        for values in zip(*data.values(), strict=True)
    )


def is_surge(folder: Path) -> bool:
    """Whether a folder holds a surge, not a survival run. Raises RunFileError if neither."""
    lines = Tail(run_file(folder)).read()
    return bool(lines) and lines[0].get("mode") == SURGE


def read(folder: Path) -> Surge:
    """Read a run. Raises RunFileError when there is none that this version can read."""
    place = folder / FILE_NAME
    lines = Tail(place).read()
    if not lines or lines[0].get("mode") != SURGE or lines[0].get("schema") != SCHEMA:
        raise RunFileError(
            f"{place} does not begin as the run file of a surge, with schema {SCHEMA}; "
            "run `scripts/surge` again"
        )
    try:
        return _surge(lines)
    except (KeyError, TypeError, ValueError) as error:
        raise RunFileError(
            f"{place}: a line is incomplete ({error}); it was written by another version of "
            "loadbearing, or edited"
        ) from error


def _surge(lines: list[Line]) -> Surge:
    first, slo = lines[0], Slo.parse(lines[0]["slo"])
    by_kind = {line["line"]: line for line in lines}  # only the policies have several
    probe = by_kind.get("capacity", {})
    reason = by_kind.get("end", {}).get("reason")
    return Surge(
        started=first["started"],
        environment=first["environment"],
        command=first["command"],
        workload=first["workload"],
        model=first["model"],
        policies=tuple(first["policies"]),
        slo=slo,
        durations=tuple(first["durations"]),
        capacity=probe.get("capacity"),
        target_s=probe.get("target_s"),
        results=tuple(PolicyResult.of(line) for line in lines if line["line"] == "policy"),
        warnings=(reason,) if reason else (),
        constants=constants(slo) | (first.get("constants") or {}),
    )
