"""The specification of a load, serialisable so that several processes can share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, Self

from loadtests.load.arrivals import Kind
from loadtests.load.request import RequestSpec
from loadtests.load.schedule import Phase, starts
from loadtests.slo import Slo

SETTLE_S = 1.0  # of a load with phases
BYSTANDER_RATE = 60.0  # per second: enough for a p99 within five seconds, and a negligible load
LOOK_S = 0.05  # between two checks whether a load is lost
EMPTY_S = 10.0  # how long a broken trial may keep the service busy after it


class StreamStarts(NamedTuple):
    """The starts of one stream: seconds since its measured window began, or will begin.

    Those of a share are every `of`-th of the whole schedule, from that with the number `first` on.
    """

    settling: list[float]
    measured: list[float]
    first: int = 0
    of: int = 1


class StreamSpec(NamedTuple):
    """Requests of one kind, and when they are sent."""

    name: str
    request: RequestSpec
    phases: tuple[Phase, ...]
    kind: Kind = "uniform"


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Streams of requests that run side by side for the same time.

    With `patience_s`, clients hang up that long after the intended start, and nothing ends the load
    early. Without, it is a trial, which ends as soon as the share `enough` of a stream is lost.
    With `insecure`, any certificate is accepted.
    """

    url: str
    streams: tuple[StreamSpec, ...]
    seed: int
    slo: Slo
    settle_s: float = SETTLE_S
    patience_s: float | None = None
    enough: float = 1.0
    insecure: bool = False

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
        streams = [
            (name, request.dump(), phases, kind) for name, request, phases, kind in self.streams
        ]
        return {
            "url": self.url,
            "streams": streams,
            "seed": self.seed,
            "slo": str(self.slo),
            "settle_s": self.settle_s,
            "patience_s": self.patience_s,
            "enough": self.enough,
            "insecure": self.insecure,
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        """Restore what `dump` returned, whether its tuples have become lists or not."""
        streams = [
            StreamSpec(
                name, RequestSpec.load(request), tuple(Phase(*phase) for phase in phases), kind
            )
            for name, request, phases, kind in data["streams"]
        ]
        return cls(**{**data, "streams": tuple(streams), "slo": Slo.parse(data["slo"])})


def share(drawn: Sequence[StreamStarts], index: int, of: int) -> list[StreamStarts]:
    """Take every `of`-th start: all shares together are the schedule of a single process."""
    return [
        StreamStarts(starts.settling[index::of], starts.measured[index::of], index, of)
        for starts in drawn
    ]
