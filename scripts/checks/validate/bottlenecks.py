"""Workloads that run out of memory or crash: bottlenecks of known cause."""

from __future__ import annotations

import os
import resource
import time
from random import random
from typing import Annotated

from annotated_types import Interval, Unit

from server.workloads import workload

MORE_MIB = 192  # than at the start: what a small container may leave to a process


@workload(kind="io")
def hoard(
    mib: Annotated[int, Interval(ge=1, le=1024), Unit("MiB")] = 24,
    ms: Annotated[int, Interval(ge=1, le=1000), Unit("ms")] = 50,
) -> dict[str, int]:
    """Hold `mib` MiB for `ms`, in a process whose memory is limited."""
    _limit_memory()
    kept = bytearray(mib << 20)
    time.sleep(ms / 1e3)
    return {"bytes": len(kept)}


@workload(kind="cpu")
def fragile(
    percent: Annotated[int, Interval(ge=0, le=100), Unit("%")] = 5,
) -> dict[str, int]:
    """Crash the process in `percent` of the calls."""
    if 100 * random() < percent:  # noqa: S311 - an accident, no secret
        os._exit(1)
    time.sleep(0.005)
    return {"survived": 1}


def _limit_memory(limits: list[int] = []) -> None:  # noqa: B006 - once for each process
    """Limit the address space of this process, at the first call."""
    if not limits:
        with open("/proc/self/statm") as pages:  # noqa: PTH123 - nothing else is of use here
            now = int(pages.read().split()[0]) * resource.getpagesize()
        limits.append(now + (MORE_MIB << 20))
        resource.setrlimit(resource.RLIMIT_AS, (limits[0], limits[0]))
