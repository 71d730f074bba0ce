"""The cores of this machine that we may use."""

import os


def usable_cores() -> set[int]:
    """Return the numbers of the cores that this process may run on; all of them where unknown."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cores() -> int:
    """Count the cores that this process may run on."""
    return len(usable_cores())
