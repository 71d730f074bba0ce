"""A board on which each event loop of the service lays out how it fares, for all of them to read.

    loop ── publishes, 4 × a second ──▶ its slot ◀── reads all slots ── the loop that is asked

So whichever loop is asked can answer for the whole service, at once, even while another one is
blocked: that one's last words are there, with their age. There are no files and no sockets, and
nobody waits for anybody.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from statistics import median
from time import monotonic
from typing import Any
from zlib import crc32

from server.telemetry.counts import Totals

PUBLISH_S = 0.25
HEADER = struct.Struct("=QII")  # number, length and checksum of one copy
COPY = 2**20  # bytes; a page that is never written costs no memory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one event loop says of itself, at a monotonic time, which is one clock for a host.

    `lag_ms` is None once its process has ended: of such a one only the totals count any more.
    `cpu_s` is the CPU time of its thread, and `lag_counts` are all its looks at how late it was.
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


class Board(ABC):
    """Slots for the snapshots of all loops; `root` is the process that started the service."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.born = monotonic()
        self.root = os.getpid()

    @abstractmethod
    def publish(self, slot: int, snapshot: Snapshot) -> None:
        """Replace the snapshot in a slot: its owner's business alone."""

    @abstractmethod
    def read(self, slot: int) -> Snapshot | None:
        """Read a slot, which is None before its first snapshot."""

    def all(self) -> Iterator[Snapshot]:
        return filter(None, map(self.read, range(self.slots)))

    def retire(self, slot: int) -> None:
        """Leave of a process that has ended what it had counted, for its successor to go on."""
        if last := self.read(slot):
            self.publish(slot, last.ended())


class Memory(Board):
    """A board for the loops of one process."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self._snapshots: list[Snapshot | None] = [None] * slots

    def publish(self, slot: int, snapshot: Snapshot) -> None:
        self._snapshots[slot] = snapshot

    def read(self, slot: int) -> Snapshot | None:
        return self._snapshots[slot]


class SharedMemory(Board):
    """A board for processes that are forked from the one that makes it.

    Each slot holds two copies with a number and a checksum, and the older one is overwritten: so
    whoever reads at whatever moment, and whenever a writer is killed, finds one that is whole.
    """

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self._memory = mmap.mmap(-1, slots * 2 * COPY)

    def publish(self, slot: int, snapshot: Snapshot) -> None:
        message = pickle.dumps(snapshot, pickle.HIGHEST_PROTOCOL)
        if len(message) > COPY - HEADER.size:
            raise ValueError(
                f"what one process has to say of itself has {len(message)} bytes and its place "
                f"{COPY}: it has too many workloads; split them over several servers"
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
        found: Snapshot = pickle.loads(message)  # noqa: S301 - our own server's
        return found

    def _newest(self, slot: int) -> tuple[int, bytes]:
        """Find the newest whole copy; its number is 0 where there has never been one."""
        while True:
            copies = [self._copy(self._at(slot, number)) for number in (0, 1)]
            if whole := [copy for copy in copies if copy is not None]:
                return max(whole)
            # Both were overwritten, one after the other, while we looked: look again.

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
    """What the loops of the service say, taken together.

    `models` has for each model its gauges and counters, summed, and all its workers. `lag_ms` has
    the median of the medians, and the worst of the rest. `gils` has one GIL for each process that
    lives and can tell.
    """

    lag_ms: dict[str, float]
    loops: list[dict[str, Any]]
    models: dict[str, dict[str, Any]]
    gils: list[dict[str, int]]
    totals: Totals


def merge(snapshots: Iterable[Snapshot], now: float) -> Whole:
    """Take snapshots together, of which one at least is from a loop that lives."""
    everyone = list(snapshots)
    living = [(one, one.lag_ms, now - one.at) for one in everyone if one.lag_ms is not None]
    totals = sum((one.totals for one in everyone), Totals())
    models: dict[str, dict[str, Any]] = {name: {} for one, *_ in living for name in one.gauges}
    for one, *_ in living:
        for name, gauges in one.gauges.items():
            for gauge, value in gauges.items():
                models[name][gauge] = models[name].get(gauge, 0) + value
    for (name, what), count in totals.models.items():
        models[name][what] = count
    for one, *_ in living:
        for name, workers in one.workers.items():
            models[name].setdefault("workers", []).extend(workers)
    lag_ms = {
        "p50": round(median(lag["p50"] for _, lag, _ in living), 3),
        "p99": max(lag["p99"] for _, lag, _ in living),
        "max": max(max(lag["max"], _silent_ms(age_s)) for _, lag, age_s in living),
    }
    loops = [
        {
            "pid": one.pid,
            "thread": one.thread,
            "loop_lag_ms": lag,
            "age_s": round(age_s, 3),
            "cpu_s": round(one.cpu_s, 6),
            "lag_counts": list(one.lag_counts),
        }
        for one, lag, age_s in living
    ]
    gils = [
        {"pid": pid, "samples": totals.gil[pid][0], "held": totals.gil[pid][1]}
        for pid in dict.fromkeys(one.pid for one, *_ in living)
        if pid in totals.gil
    ]
    return Whole(lag_ms, loops, models, gils, totals)


def _silent_ms(age_s: float) -> float:
    """For how long a loop has been late with its next words: one that is blocked cannot say it."""
    return round(max(0.0, age_s - PUBLISH_S) * 1e3, 3)
