"""How many cores this process may use: the least of its affinity and of its groups' CPU quotas."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path

PROCESS = Path("/proc/self")


def cores(process: Path = PROCESS) -> int:
    """Count them. A quota of part of a core counts as a whole one, or nothing could use it."""
    usable = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    with suppress(OSError, ValueError):
        return min([usable, *(max(1, ceil(quota)) for quota in _quotas(process))])
    return usable


def _quotas(process: Path) -> Iterator[float]:
    """Yield the quotas, in cores, of our control groups and those around them (Linux, v1 or v2)."""
    lines = [line.split(":", 2) for line in (process / "cgroup").read_text().splitlines()]
    for mount in (process / "mountinfo").read_text().splitlines():
        where, _, what = mount.partition(" - ")
        kind, *_, options = what.split()
        root, top = where.split()[3:5]
        for _, controllers, path in lines:
            second = kind == "cgroup2" and not controllers
            first = kind == "cgroup" and "cpu" in options.split(",")
            if second or (first and "cpu" in controllers.split(",")):
                # A container may see its own group as the top of the hierarchy.
                own = Path(top, path.removeprefix(root).strip("/"))
                for group in (own, *own.parents):
                    if group.is_relative_to(top):
                        yield from _quota(group)


def _quota(group: Path) -> Iterator[float]:
    """Yield the quota of one group, unless it has none, which is `max` or -1."""
    for quota, period in (("cpu.max", "cpu.max"), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with suppress(OSError, ValueError, ZeroDivisionError):
            allowed = int((group / quota).read_text().split()[0])
            if allowed > 0:
                yield allowed / int((group / period).read_text().split()[-1])
