"""The cores of this machine that we may use."""

import os

from loadtests.machine.quota import quota


def usable_cores() -> set[int]:
    """Return the numbers of the cores that this process may run on; all of them where unknown."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cores() -> float:
    """Count the cores that this process may run on, or those whose time a CPU quota allows."""
    count, allowed = len(usable_cores()), quota()
    if allowed is None or allowed >= count:
        return count
    return int(allowed) if allowed.is_integer() else round(allowed, 2)
