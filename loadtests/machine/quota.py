"""The CPU quotas of our control groups, and how long they stopped us (Linux, cgroup 1 or 2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROCESS = Path("/proc/self")
US, NS = 1e-6, 1e-9


class Throttling(NamedTuple):
    """Seconds since a group began: stopped, summed over the cores, and periods with a stop.

    Either may exceed the time in which anything was stopped: several cores are stopped at once, and
    a period counts from its first stop. So the smaller of the two is the better bound.
    """

    stopped_s: float
    periods_s: float


def throttling() -> Throttling | None:
    """Sum over our group and those around it, whose quotas we share; None without any counter."""
    with suppress(OSError, ValueError):
        for groups in _hierarchies():
            if counted := [item for group in groups for item in _counted(group)]:
                return Throttling(
                    math.fsum(item.stopped_s for item in counted),
                    math.fsum(item.periods_s for item in counted),
                )
    return None


def quota() -> float | None:
    """Return how many cores' time the tightest of these quotas allows; None without any."""
    with suppress(OSError, ValueError):
        allowed = (
            share for groups in _hierarchies() for group in groups for share in _share(group)
        )
        return min(allowed, default=None)
    return None


def _share(group: Path) -> Iterator[float]:
    """Yield the quota of a group in cores, if it has one: `max` and -1 stand for none."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        if (group / "cpu.max").exists():
            allowed, period = (group / "cpu.max").read_text().split()
        else:
            allowed, period = (
                (group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
        if int(allowed) > 0:
            yield int(allowed) / int(period)


def _hierarchies() -> Iterator[list[Path]]:
    """Yield the folders of our groups, from the innermost outwards, in each place they may be."""
    lines = [line.split(":", 2) for line in (PROCESS / "cgroup").read_text().splitlines()]
    for mount in (PROCESS / "mountinfo").read_text().splitlines():
        where, _, what = mount.partition(" - ")
        kind, *_, options = what.split()
        root, top = where.split()[3:5]
        for _, controllers, path in lines:
            second = kind == "cgroup2" and not controllers
            first = kind == "cgroup" and "cpu" in options.split(",")
            if second or (first and "cpu" in controllers.split(",")):
                # A container may see its own group as the top of the hierarchy.
                own = Path(top, path.removeprefix(root).strip("/"))
                yield [group for group in (own, *own.parents) if group.is_relative_to(top)]


def _counted(group: Path) -> Iterator[Throttling]:
    """Read the counters of a group; nothing if it has none, e.g. the outermost one."""
    with suppress(OSError, ValueError, KeyError):
        stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        if "throttled_usec" in stat:
            stopped_s = int(stat["throttled_usec"]) * US
            period_us = (group / "cpu.max").read_text().split()[-1]
        else:
            stopped_s = int(stat["throttled_time"]) * NS
            period_us = (group / "cpu.cfs_period_us").read_text()
        yield Throttling(stopped_s, int(stat["nr_throttled"]) * int(period_us) * US)
