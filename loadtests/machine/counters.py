"""What the kernel has counted so far for the whole machine; the difference of two is a trial."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

PROC = Path("/proc")
PRESSURES = ("memory", "io", "cpu")
_IDLE = (3, 4)  # places in a line of /proc/stat: idle, and idle while a disk is waited for
_STEAL = 7


@dataclass(frozen=True, slots=True)
class Cores:
    """Seconds of all cores that we may run on, since the machine started."""

    count: int
    idle_s: float
    steal_s: float


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters at one moment (monotonic seconds); what the system does not tell is missing.

    `waited_s` are the seconds in which at least one task waited for the resource (PSI, "some").
    """

    at: float
    cores: Cores | None
    waited_s: dict[str, float] = field(default_factory=dict)


def counters(proc: Path = PROC) -> Counters:
    """Read them now: three small files, well below a millisecond."""
    waited = {name: total for name in PRESSURES for total in _waited_s(proc / "pressure" / name)}
    return Counters(monotonic(), _cores(proc / "stat"), waited)


def _cores(stat: Path) -> Cores | None:
    try:
        lines = stat.read_text().splitlines()
        hertz = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
    fields = [line.split() for line in lines if line.startswith("cpu") and line[3:4].isdigit()]
    # In a container the file shows the host; the cores of others are not our affair.
    ours = _ours()
    ticks = [
        [int(one) for one in values]
        for name, *values in fields
        if not ours or int(name[3:]) in ours
    ]
    if not ticks or any(len(one) <= _STEAL for one in ticks):
        return None
    idle = sum(one[place] for one in ticks for place in _IDLE)
    return Cores(len(ticks), idle / hertz, sum(one[_STEAL] for one in ticks) / hertz)


def _ours() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _waited_s(pressure: Path) -> Iterator[float]:
    with suppress(OSError, ValueError, IndexError):
        some = pressure.read_text().splitlines()[0]
        yield int(some.rpartition("total=")[2]) / 1e6


@dataclass(frozen=True, slots=True)
class Span:
    """What was counted between two moments."""

    elapsed_s: float
    cores: int | None
    busy_cores: float | None
    steal: float | None
    pressures: dict[str, float]


def between(before: Counters, after: Counters) -> Span:
    """Take the difference: busy cores, and shares of the time that are within 0 and 1.

    Busy is what was neither idle nor stolen. The kernel times idleness to the microsecond, but
    finds out only at each tick who is busy, which misses those that work between two ticks.
    """
    elapsed = max(after.at - before.at, 1e-9)
    pressures = {
        name: _share((after.waited_s[name] - waited) / elapsed)
        for name, waited in before.waited_s.items()
        if name in after.waited_s
    }
    if not before.cores or not after.cores or before.cores.count != after.cores.count:
        return Span(elapsed, None, None, None, pressures)
    count = after.cores.count
    idle = (after.cores.idle_s - before.cores.idle_s) / elapsed
    stolen = (after.cores.steal_s - before.cores.steal_s) / elapsed
    return Span(elapsed, count, max(count - idle - stolen, 0.0), _share(stolen / count), pressures)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
