"""Samples a tree of processes from outside, as a process of its own.

To read the memory of many processes takes milliseconds, by which a generator would send late.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

import psutil


def sample(pid: int) -> dict[str, Any]:
    """Sum over a process and all below it: PSS (Linux only), threads and descriptors."""
    pss, seen, threads, descriptors, count = 0, False, 0, 0, 0
    top = psutil.Process(pid)
    for process in (top, *top.children(recursive=True)):
        with suppress(psutil.Error):  # it ended while we looked
            threads += process.num_threads()
            descriptors += process.num_fds()
            memory = process.memory_full_info()
            if hasattr(memory, "pss"):
                pss, seen = pss + memory.pss, True
            count += 1
    return {
        "at": monotonic(),
        "pss_mib": pss / 2**20 if seen else None,
        "threads": threads,
        "processes": count,
        "descriptors": descriptors,
    }


def main(pid: int, interval_s: float) -> None:
    """Write a line for each sample, until the process is gone or somebody ends this one."""
    with suppress(psutil.Error):
        while True:
            print(json.dumps(sample(pid)), flush=True)  # noqa: T201 - whoever started it reads this
            sleep(interval_s)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
