"""The processes of the service: the role of each, and what it consumes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psutil

# The role of a process, by a part of its command line.
SIGNS = {
    "server.workloads.site": "site",
    "server.workloads.embedded": "database",
    "server.models.dask.local_cluster": "cluster",
    "resource_tracker": "resource tracker",
    "forkserver": "fork server",
}
# The role of forked processes, by that of their parent, whose command line they share.
FORKED = {"master": "server", "fork server": "worker", "cluster": "cluster", "database": "database"}
ENDED = {**FORKED, "server": "worker"}  # the role of children that have ended


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `ended_s` is the CPU time of its children that have ended."""

    pid: int
    role: str
    cpu_s: float
    ended_s: float
    rss: int
    threads: int

    def shown(self) -> dict[str, Any]:
        return {
            "pid": self.pid,
            "role": self.role,
            "cpu_s": round(self.cpu_s, 3),
            "rss_mib": round(self.rss / 2**20, 1),
            "threads": self.threads,
        }


def processes(root: int) -> list[Process]:
    """List all processes of a service: its first one (`root`) and those below it.

    Blocks for milliseconds.
    """
    top = psutil.Process(root)
    roles: dict[int, str] = {}
    listed = []
    for process in (top, *top.children(recursive=True)):  # a parent comes before its children
        try:
            with process.oneshot():
                if process == top:
                    role = "server" if root == os.getpid() else "master"
                else:
                    role = _role(process.cmdline(), roles.get(process.ppid()))
                roles[process.pid] = role
                cpu, memory = process.cpu_times(), process.memory_info()
                ended_s = cpu.children_user + cpu.children_system
                used_s, threads = cpu.user + cpu.system, process.num_threads()
                listed.append(Process(process.pid, role, used_s, ended_s, memory.rss, threads))
        except psutil.Error:
            continue  # it has just ended
    return listed


def _role(command: list[str], parent: str | None) -> str:
    if parent in FORKED:
        return FORKED[parent]
    line = " ".join(command)
    return next((role for sign, role in SIGNS.items() if sign in line), "worker")


def cpu_by_role(listed: Iterable[Process]) -> dict[str, float]:
    """Sum the CPU seconds of live processes, and of those that have ended, by role."""
    seconds: dict[str, float] = defaultdict(float)
    for process in listed:
        seconds[process.role] += process.cpu_s
        seconds[ENDED.get(process.role, process.role)] += process.ended_s
    return seconds
