"""A board on which each event loop of the service publishes its state, for all of them to read.

    loop ── publishes, 4 × a second ──▶ its slot ◀── reads all slots ── the loop that answers

Any loop can therefore answer for the whole service at once, even while another one is blocked: the
last state of that loop is on the board, with its age. It needs neither files nor sockets, and no
loop waits for another.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from statistics import median
from time import monotonic
from typing import Any
from zlib import crc32

from server.telemetry.counts import Totals

PUBLISH_S = 0.25
HEADER = struct.Struct("=QII")  # number, length and checksum of one copy
COPY = 2**20  # bytes; pages that are never written take no memory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one event loop at a monotonic time (one clock for all processes of a host).

    `lag_ms` is None once its process has ended; then only its totals still count. `cpu_s` is the
    CPU time of its thread, and `lag_counts` counts its timers by how late they were.
    """

    pid: int
    thread: str
    at: float
    lag_ms: dict[str, float] | None
    gauges: dict[str, dict[str, int]] = field(default_factory=dict)
    workers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    cpu_s: float = 0.0
    lag_counts: tuple[int, ...] = ()

    def ended(self) -> Snapshot:
        return replace(self, lag_ms=None, gauges={}, workers={})


class Board:
    """Slots for the snapshots of all loops of one process; `root` started the service."""

    def __init__(self, slots: int) -> None:
        self.born = monotonic()
        self.root = os.getpid()
        self.shared = slots > 1
        self._snapshots: list[Snapshot | None] = [None] * slots

    def publish(self, slot: int, snapshot: Snapshot) -> None:
        """Replace the snapshot in a slot; only its owner does this."""
        self._snapshots[slot] = snapshot

    def read(self, slot: int) -> Snapshot | None:
        """Read a slot; None before its first snapshot."""
        return self._snapshots[slot]

    def all(self) -> Iterator[Snapshot]:
        return filter(None, map(self.read, range(len(self._snapshots))))

    def retire(self, slot: int) -> None:
        """Keep the totals of a process that has ended, so that its successor continues them."""
        if last := self.read(slot):
            self.publish(slot, last.ended())


class SharedMemory(Board):
    """A board for processes that are forked from the one that makes it.

    Each slot has two copies with a number and a checksum, and the older one is overwritten. A
    reader therefore finds an intact copy at any moment, even after a writer was killed.
    """

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self._memory = mmap.mmap(-1, slots * 2 * COPY)

    def publish(self, slot: int, snapshot: Snapshot) -> None:
        message = pickle.dumps(snapshot, pickle.HIGHEST_PROTOCOL)
        if len(message) > COPY - HEADER.size:
            raise ValueError(
                f"the state of one process takes {len(message)} bytes, but its slot has {COPY}: "
                "there are too many workloads; split them over several servers"
            )
        number = self._newest(slot)[0] + 1
        at = self._at(slot, number)
        body = at + HEADER.size
        self._memory[body : body + len(message)] = message
        HEADER.pack_into(self._memory, at, number, len(message), crc32(message, number))

    def read(self, slot: int) -> Snapshot | None:
        message = self._newest(slot)[1]
        if not message:
            return None
        snapshot: Snapshot = pickle.loads(message)  # noqa: S301 - our own server's
        return snapshot

    def _newest(self, slot: int) -> tuple[int, bytes]:
        """Find the newest intact copy; its number is 0 if there has never been one."""
        while True:
            copies = [self._copy(self._at(slot, number)) for number in (0, 1)]
            if intact := [copy for copy in copies if copy is not None]:
                return max(intact)
            # Both were overwritten, one after the other, while they were read: read again.

    def _copy(self, at: int) -> tuple[int, bytes] | None:
        number, length, checksum = HEADER.unpack_from(self._memory, at)
        body = at + HEADER.size
        message = self._memory[body : min(body + length, at + COPY)]
        return (number, message) if crc32(message, number) == checksum else None

    def _at(self, slot: int, number: int) -> int:
        return (2 * slot + number % 2) * COPY


@dataclass(frozen=True, slots=True)
class Place:
    """The slot of one event loop on the board, and the board."""

    board: Board
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """The state of the whole service.

    `models` has the summed gauges and counters of each model, and all its workers. `lag_ms` has
    the median of the medians, and the worst of the other percentiles. `gils` has one GIL for each
    live process that can sample it.
    """

    lag_ms: dict[str, float]
    loops: list[dict[str, Any]]
    models: dict[str, dict[str, Any]]
    gils: list[dict[str, int]]
    totals: Totals


def merge(snapshots: Iterable[Snapshot], now: float) -> Whole:
    """Merge snapshots, at least one of which is from a live loop."""
    known = list(snapshots)
    live = [
        (snapshot, snapshot.lag_ms, now - snapshot.at)
        for snapshot in known
        if snapshot.lag_ms is not None
    ]
    totals = sum((snapshot.totals for snapshot in known), Totals())
    models: dict[str, dict[str, Any]] = {
        name: {} for snapshot, *_ in live for name in snapshot.gauges
    }
    for snapshot, *_ in live:
        for name, gauges in snapshot.gauges.items():
            for gauge, value in gauges.items():
                models[name][gauge] = models[name].get(gauge, 0) + value
    for (name, what), count in totals.models.items():
        models[name][what] = count
    for snapshot, *_ in live:
        for name, workers in snapshot.workers.items():
            models[name].setdefault("workers", []).extend(workers)
    lag_ms = {
        "p50": round(median(lag["p50"] for _, lag, _ in live), 3),
        "p99": max(lag["p99"] for _, lag, _ in live),
        "max": max(max(lag["max"], _silent_ms(age_s)) for _, lag, age_s in live),
    }
    loops = [
        {
            "pid": snapshot.pid,
            "thread": snapshot.thread,
            "loop_lag_ms": lag,
            "age_s": round(age_s, 3),
            "cpu_s": round(snapshot.cpu_s, 6),
            "lag_counts": list(snapshot.lag_counts),
        }
        for snapshot, lag, age_s in live
    ]
    gils = [
        {"pid": pid, "samples": totals.gil[pid][0], "held": totals.gil[pid][1]}
        for pid in dict.fromkeys(snapshot.pid for snapshot, *_ in live)
        if pid in totals.gil
    ]
    return Whole(lag_ms, loops, models, gils, totals)


def _silent_ms(age_s: float) -> float:
    """How late the next snapshot of a loop is: a blocked loop cannot publish its own lag."""
    return round(max(0.0, age_s - PUBLISH_S) * 1e3, 3)
