"""The specification of a load, serialisable so that several processes can share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, Self

from loadtests.load.arrivals import Kind
from loadtests.load.schedule import Phase, starts
from loadtests.slo import Slo

SETTLE_S = 1.0  # of a load with phases
BYSTANDER_RATE = 60.0  # per second: enough for a p99 within five seconds, and a negligible load
LOOK_S = 0.05  # between two checks whether a load is lost
EMPTY_S = 10.0  # how long a broken trial may keep the service busy after it


class StreamStarts(NamedTuple):
    """The starts of one stream: seconds since its measured window began, or will begin."""

    settling: list[float]
    measured: list[float]


class StreamSpec(NamedTuple):
    """Requests to one path; a right answer contains `expected`."""

    name: str
    path: str
    expected: bytes
    phases: tuple[Phase, ...]
    kind: Kind = "uniform"


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Streams of requests that run side by side for the same time.

    With `patience_s`, clients hang up that long after the intended start, and nothing ends the load
    early. Without, it is a trial, which ends as soon as the share `enough` of a stream is lost.
    """

    url: str
    streams: tuple[StreamSpec, ...]
    seed: int
    slo: Slo
    settle_s: float = SETTLE_S
    patience_s: float | None = None
    enough: float = 1.0

    @property
    def duration_s(self) -> float:
        return sum(phase.duration_s for phase in self.streams[0].phases)

    @property
    def drain_s(self) -> float:
        """How long to wait for the answers that are under way when the load ends."""
        patience_s = self.patience_s
        return max(self.slo.bound_s, 1.0) if patience_s is None else patience_s + LOOK_S

    @property
    def empty_s(self) -> float:
        """How long to wait for the rest of them, which then no longer count."""
        return EMPTY_S if self.patience_s is None else 0.0

    def draw(self) -> list[StreamStarts]:
        """Draw the schedule of each stream: the same wherever it is drawn."""
        rng = Random(self.seed)  # noqa: S311 - a schedule, not a secret
        return [
            StreamStarts(*starts(stream.phases, self.settle_s, stream.kind, rng))
            for stream in self.streams
        ]

    def lost(self, planned: Sequence[int], losses: Sequence[int]) -> bool:
        """Whether these losses of the streams so far are a reason to end the load."""
        counts = zip(losses, planned, strict=False)  # nothing is lost before the first count
        return self.patience_s is None and any(
            lost >= max(self.enough * count, 1.0) for lost, count in counts
        )

    def dump(self) -> dict[str, Any]:
        """Return what msgpack can carry."""
        streams = [tuple(stream) for stream in self.streams]
        return {
            "url": self.url,
            "streams": streams,
            "seed": self.seed,
            "slo": str(self.slo),
            "settle_s": self.settle_s,
            "patience_s": self.patience_s,
            "enough": self.enough,
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        """Restore what `dump` returned, whether its tuples have become lists or not."""
        streams = [
            StreamSpec(name, path, expected, tuple(Phase(*phase) for phase in phases), kind)
            for name, path, expected, phases, kind in data["streams"]
        ]
        return cls(**{**data, "streams": tuple(streams), "slo": Slo.parse(data["slo"])})


def share(drawn: Sequence[StreamStarts], index: int, of: int) -> list[StreamStarts]:
    """Take every `of`-th start: all shares together are the schedule of a single process."""
    return [
        StreamStarts(starts.settling[index::of], starts.measured[index::of]) for starts in drawn
    ]
