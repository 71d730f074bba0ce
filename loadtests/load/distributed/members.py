"""What the workers of a master have said of one order, until all of them are done with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

from loadtests.load.answer import Answer, answer_of
from loadtests.load.result import LoadResult

SILENT_S = 5.0  # a worker speaks every 0.1 s: after so long it is taken for dead
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str | None:
    """Name this start of this machine, whose processes share a monotonic clock (Linux only)."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None


class WorkerShare:
    """One worker: whether it is ready, what it has lost, and what became of its share."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = self.done = False
        self.beside = self.elsewhere = False  # on this machine; on another; neither: unknown
        self.losses: list[int] = []
        self.rate = 0.0
        self.asked_at = self.heard_at = monotonic()
        self._streams: list[list[Answer]] = []
        self._rest: tuple[float, float, bool, bool, float, float] | None = None

    @property
    def silent(self) -> bool:
        return monotonic() - self.heard_at > SILENT_S

    def hear(self, said: dict[str, Any]) -> None:
        """Take in what it says, in whatever order."""
        self.heard_at = now = monotonic()
        if "ready" in said:
            boot, its_clock = said["ready"]
            own, self.ready = boot_id(), True
            same = boot is not None and boot == own
            self.beside = same and self.asked_at <= its_clock <= now  # one clock, read in between
            self.elsewhere = None not in {boot, own} and not same
        elif "losses" in said:
            self.losses = said["losses"]
        elif "answers" in said:
            while len(self._streams) <= said["stream"]:
                self._streams.append([])
            self._streams[said["stream"]] += map(answer_of, said["answers"])
        elif "rate" in said:
            self.rate, self.done = said["rate"], True
        elif "rest" in said:
            self._rest, self.done = said["rest"], True

    def offered(self) -> LoadResult | None:
        """What became of its share; None if it has not come to say so."""
        if self._rest is None:
            return None
        return LoadResult(tuple(map(tuple, self._streams)), *self._rest)


class Job:
    """The workers that were asked for one load."""

    def __init__(self, number: int, names: Iterable[str]) -> None:
        self.number = number
        self.members = {name: WorkerShare(name) for name in names}

    def hear(self, name: str, said: dict[str, Any]) -> None:
        """Take in what one of them says; words on an earlier load come too late."""
        if said["number"] == self.number and name in self.members:
            self.members[name].hear(said)
