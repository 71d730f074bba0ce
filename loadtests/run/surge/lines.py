"""What the lines of the run file of a surge say, as data; the only place that knows their keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from loadtests.errors import RunFileError
from loadtests.run.file.lines import Line
from loadtests.run.file.run_file import FILE_NAME, SCHEMA, Tail, run_file
from loadtests.run.surge.counts import OutcomeCounts, Stretch, rows
from loadtests.slo import Slo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SURGE = "surge"  # what the first line says in the place of a mode


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The surge under one policy: its three phases, each second of it, and how it ended.

    `held` and `waited_for` were seen together at the end: the requests that the server had queued
    or ran, and the clients that still waited for an answer.
    """

    policy: str
    phases: tuple[Stretch, ...] = ()
    series: tuple[OutcomeCounts, ...] = ()
    recovery_s: float | None = None
    queue: int | None = None
    held: int | None = None
    waited_for: int | None = None
    flaws: tuple[str, ...] = ()
    error: str | None = None

    @property
    def before(self) -> Stretch:
        return self.phases[0]

    @property
    def surge(self) -> Stretch:
        return self.phases[1]

    @property
    def after(self) -> Stretch:
        return self.phases[2]

    @classmethod
    def of(cls, line: Line) -> Self:
        if line.get("error"):
            return cls(line["policy"], error=line["error"])
        return cls(
            policy=line["policy"],
            phases=tuple(map(Stretch.from_json, line["phases"])),
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
    courses: tuple[PolicyResult, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    constants: Mapping[str, Any] = field(default_factory=dict)  # empty in older files

    @property
    def measured(self) -> tuple[PolicyResult, ...]:
        return tuple(course for course in self.courses if not course.error)

    @property
    def trusted(self) -> bool:
        """Whether every policy has figures, from a generator that kept its schedule."""
        wanted = len(self.courses) == len(self.policies)
        return wanted and not any(one.error or one.flaws for one in self.courses)


def is_surge(folder: Path) -> bool:
    """Whether a folder holds a surge, and no survival run. Raises RunFileError if neither."""
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
            f"{place}: a line lacks something ({error}); it was written by another version of "
            "loadbearing, or changed by hand"
        ) from error


def _surge(lines: list[Line]) -> Surge:
    first = lines[0]
    found = {line["line"]: line for line in lines}  # but for the policies, each is there once
    probe = found.get("capacity", {})
    reason = found.get("end", {}).get("reason")
    return Surge(
        started=first["started"],
        environment=first["environment"],
        command=first["command"],
        workload=first["workload"],
        model=first["model"],
        policies=tuple(first["policies"]),
        slo=Slo.parse(first["slo"]),
        durations=tuple(first["durations"]),
        capacity=probe.get("capacity"),
        target_s=probe.get("target_s"),
        courses=tuple(PolicyResult.of(line) for line in lines if line["line"] == "policy"),
        warnings=(reason,) if reason else (),
        constants=first.get("constants") or {},
    )
