"""What the kernel has counted so far for the whole machine; a trial is the difference of two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

import psutil

from loadtests.machine.platform import usable_cores
from loadtests.machine.quota import Throttling, throttling

PRESSURE = Path("/proc/pressure")
PRESSURES = ("memory", "io", "cpu")


@dataclass(frozen=True, slots=True)
class Cores:
    """Seconds of all cores that we may run on, since the machine started."""

    count: int
    idle_s: float
    steal_s: float


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters at one moment (monotonic seconds); those that the system lacks are missing.

    `waited_s` are the seconds in which at least one task waited for the resource (PSI, "some").
    """

    at: float
    cores: Cores | None
    waited_s: dict[str, float] = field(default_factory=dict)
    throttling: Throttling | None = None


def counters() -> Counters:
    """Read them now: a few small files, in about a millisecond."""
    waited = {name: total for name in PRESSURES for total in _waited_s(PRESSURE / name)}
    return Counters(monotonic(), _cores(), waited, throttling())


def _cores() -> Cores | None:
    """Sum over our own cores: in a container, the kernel lists those of its host."""
    try:
        times = psutil.cpu_times(percpu=True)
    except (OSError, ValueError):
        return None
    usable = usable_cores()
    if len(usable) < len(times) and max(usable) < len(times):
        times = [times[number] for number in usable]
    elif len(usable) != len(times):
        return None  # some cores are offline, and psutil does not say which are listed
    if not times or not hasattr(times[0], "steal"):
        return None
    idle_s = sum(core.idle + core.iowait for core in times)
    return Cores(len(times), idle_s, sum(core.steal for core in times))


def _waited_s(pressure: Path) -> Iterator[float]:
    with suppress(OSError, ValueError, IndexError):
        some = pressure.read_text().splitlines()[0]
        yield int(some.rpartition("total=")[2]) / 1e6


@dataclass(frozen=True, slots=True)
class Span:
    """What was counted between two moments: busy cores, and shares of the time, from 0 to 1."""

    elapsed_s: float
    cores: int | None = None
    busy_cores: float | None = None
    steal: float | None = None
    throttled: float | None = None
    pressures: dict[str, float] = field(default_factory=dict)


def between(before: Counters, after: Counters) -> Span:
    """Return the difference.

    A core is busy when it is neither idle nor stolen. The kernel times idleness to the microsecond,
    but samples busy processes once per tick, which misses those that work between two ticks.
    """
    elapsed = max(after.at - before.at, 1e-9)
    span = Span(
        elapsed,
        throttled=_throttled(before, after, elapsed),
        pressures={
            name: _share((after.waited_s[name] - waited) / elapsed)
            for name, waited in before.waited_s.items()
            if name in after.waited_s
        },
    )
    if not before.cores or not after.cores or before.cores.count != after.cores.count:
        return span
    count = after.cores.count
    idle = (after.cores.idle_s - before.cores.idle_s) / elapsed
    stolen = (after.cores.steal_s - before.cores.steal_s) / elapsed
    return replace(
        span, cores=count, busy_cores=max(count - idle - stolen, 0.0), steal=_share(stolen / count)
    )


def _throttled(before: Counters, after: Counters, elapsed_s: float) -> float | None:
    if before.throttling is None or after.throttling is None:
        return None
    stopped_s = after.throttling.stopped_s - before.throttling.stopped_s
    periods_s = after.throttling.periods_s - before.throttling.periods_s
    return _share(min(stopped_s, periods_s) / elapsed_s)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
