"""Sums over a process and all below it; run as a program, it samples them from outside.

Reading the memory of many processes takes milliseconds, which would make a generator send late.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from time import monotonic, sleep
from typing import Any

import psutil


def family(pid: int) -> list[psutil.Process]:
    """List a process and all below it; takes 10 ms. Raises psutil.Error if it has ended."""
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Sum the CPU seconds of processes, and of their children that have ended."""
    seconds = 0.0
    for process in processes:
        with suppress(psutil.Error):
            seconds += sum(process.cpu_times()[:4])  # user and system, its own and its children's
    return seconds


def runnable_s(processes: Iterable[psutil.Process]) -> dict[tuple[int, str], float]:
    """Return for how long each thread ran or waited for a core; nothing except on Linux."""
    seconds = {}
    for process in processes:
        for file in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            with suppress(OSError, ValueError):  # it has just ended
                ran, waited, _ = file.read_text().split()
                seconds[process.pid, str(file)] = (int(ran) + int(waited)) / 1e9
    return seconds


def busiest(
    before: Mapping[tuple[int, str], float], after: Mapping[tuple[int, str], float], count: int
) -> float | None:
    """Return the mean of the seconds of the busiest thread in the `count` busiest processes."""
    most: dict[int, float] = {}
    for thread in before.keys() & after.keys():
        pid = thread[0]
        most[pid] = max(most.get(pid, 0.0), after[thread] - before[thread])
    chosen = sorted(most.values(), reverse=True)[:count]
    return fmean(chosen) if chosen else None


def pss_mib(processes: Iterable[psutil.Process]) -> float | None:
    """Sum the memory of processes, shared pages by their share; None except on Linux."""
    total, known = 0, False
    for process in processes:
        with suppress(psutil.Error):
            memory = process.memory_full_info()
            if hasattr(memory, "pss"):
                total, known = total + memory.pss, True
    return total / 2**20 if known else None


def sample(pid: int) -> dict[str, Any]:
    """Sum memory, threads and descriptors over a process and all below it."""
    processes = family(pid)
    threads = descriptors = count = 0
    for process in processes:
        with suppress(psutil.Error):  # it has just ended
            threads += process.num_threads()
            descriptors += process.num_fds()
            count += 1
    return {
        "at": monotonic(),
        "pss_mib": pss_mib(processes),
        "threads": threads,
        "processes": count,
        "descriptors": descriptors,
    }


def main(pid: int, interval_s: float) -> None:
    """Write a line for each sample, until that process ends or this one is stopped."""
    with suppress(psutil.Error):
        while True:
            print(json.dumps(sample(pid)), flush=True)  # noqa: T201 - the parent process reads this
            sleep(interval_s)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
