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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
