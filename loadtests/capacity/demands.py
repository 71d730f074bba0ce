"""What arithmetic says is possible: demands per request, and the resource that ends first."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from loadtests.capacity.queue import capacity
from loadtests.load.answer import Stages
from loadtests.slo import FLOOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.slo import Slo
    from loadtests.trial.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Demands:
    """What one request takes of each resource, in seconds; None where nobody could tell.

    `slot_s` is how long it holds a slot, `wait_s` how long it waits within its run, `dispatch_s`
    and `back_s` are its way to the worker and back, and `response_s` is its whole response, all
    where nothing contends. `generator_s` is the CPU time that sending it takes.
    """

    cpu_s: float | None = None
    gil_s: float | None = None
    loop_s: float | None = None
    slot_s: float | None = None
    wait_s: float | None = None
    dispatch_s: float | None = None
    back_s: float | None = None
    response_s: float | None = None
    generator_s: float = 0.0

    @property
    def hop_s(self) -> float | None:
        """What it costs that the work leaves the event loop."""
        if self.dispatch_s is None or self.back_s is None:
            return None
        return self.dispatch_s + self.back_s

    @classmethod
    def of(cls, lone: "Evidence | None", crowd: "Evidence") -> Self:
        """Draw them from one client at a time, and from a cell that many have saturated.

        CPU time comes from the crowd, for idle caches and clocks are up to twice as fast; waits
        come from the lone client, for in a crowd they are waits for one another.
        """
        alone = lone.typical if lone else None
        calls = crowd.completed
        if calls <= 0:
            return cls() if alone is None else cls(**_alone(alone, None))
        return cls(
            cpu_s=None if crowd.server_cores is None else crowd.server_cores / calls,
            gil_s=_gil_s(crowd),
            loop_s=_loop_s(alone, crowd),
            generator_s=crowd.generator_cores / calls,
            **({} if alone is None else _alone(alone, crowd.typical)),
        )


def _alone(alone: Stages, crowd: Stages | None) -> dict[str, float]:
    computing_s = max(alone.on_cpu, crowd.on_cpu if crowd else 0.0)
    return {
        "slot_s": alone.dispatched + computing_s + alone.off_cpu,
        "wait_s": alone.off_cpu,
        "dispatch_s": alone.dispatched,
        "back_s": alone.back,
        "response_s": alone.total,
    }


def _gil_s(crowd: "Evidence") -> float | None:
    """The time of the GIL; work on the event loop holds it with the loop, which is counted."""
    if crowd.gil is None or crowd.on_loop:
        return None
    return crowd.gil * crowd.servers / crowd.completed


def _loop_s(alone: Stages | None, crowd: "Evidence") -> float | None:
    """The time of an event loop's thread; work that runs there holds it while it waits, too."""
    if crowd.loop_cores is not None:
        computing_s = crowd.loop_cores * crowd.loops / crowd.completed
        return computing_s + (alone.off_cpu if crowd.on_loop and alone else 0.0)
    return alone.ran if crowd.on_loop and alone else None


@dataclass(frozen=True, slots=True)
class Supply:
    """How much there is of each resource, over all server processes; no bound is None."""

    cores: float
    slots: int | None = None
    servers: int = 1
    loops: int = 1

    @classmethod
    def of(cls, evidence: "Evidence") -> Self:
        return cls(evidence.cores, evidence.slots, evidence.servers, evidence.loops)

    def at_once(self, resource: str) -> int:
        """How many requests a resource serves at the same time."""
        slots = math.inf if self.slots is None else self.slots
        offers = {"slots": slots, "cores": min(slots, self.cores), "gil": self.servers}
        return max(int(offers.get(resource, self.loops)), 1)


class Limit(NamedTuple):
    """The rate per second at which one resource is used up: cores, gil, loop or slots."""

    name: str
    rate: float


def limits(demands: Demands, room: Supply) -> tuple[Limit, ...]:
    """List the limits that can be told, the lowest first: it is the ceiling, and binds.

    By the utilisation law: U = X·D ≤ the room there is. The generator is taken to share the
    cores.
    """
    cpu_s = None if demands.cpu_s is None else demands.cpu_s + demands.generator_s
    pairs = (
        ("loop", room.loops, demands.loop_s),  # before the GIL, for work on it takes both alike
        ("gil", room.servers, demands.gil_s),
        ("slots", room.slots, demands.slot_s),
        ("cores", room.cores, cpu_s),
    )
    found = (Limit(name, there / each) for name, there, each in pairs if there and each)
    return tuple(sorted(found, key=lambda limit: limit.rate))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a cell should bear: rates per second; `servers` at once take `service_s` each."""

    ceiling: float
    binding: str
    capacity: float
    servers: int
    service_s: float


def predict(
    demands: Demands, room: Supply, ran_s: "Sequence[float]", slo: "Slo"
) -> Prediction | None:
    """Predict the capacity of a cell: a queue for the resource that binds; None if none is known.

    Service times are as unequal as `ran_s`, the seconds that calls ran for alone. What a
    lone request takes beyond the service, such as its wait under `async`, comes off the bound.
    """
    known = limits(demands, room)
    if not known:
        return None
    binding, ceiling = known[0]
    servers = room.at_once(binding)
    service_s = servers / ceiling
    mean_s = math.fsum(ran_s) / len(ran_s) if ran_s else 0.0
    scaled = [service_s * time / mean_s for time in ran_s] if mean_s > 0 else [service_s]
    beyond_s = max((demands.response_s or 0.0) - service_s, 0.0)
    borne = capacity(servers, scaled, slo.bound_s - beyond_s, slo.loss_ratio)
    return Prediction(ceiling, binding, borne, servers, service_s)


def score(predicted: float, held: float, broke: float | None) -> float | None:
    """Divide the measured capacity, the geometric middle of its interval, by the predicted one.

    Without `broke`, the search met its upper limit: the ratio is then at least so much, and None
    where the prediction lies beyond what was searched. Rates below 1/s count as that: a search
    does not tell them apart.
    """
    predicted, held = max(predicted, FLOOR), max(held, FLOOR)
    if broke is None:
        return None if predicted >= held else held / predicted
    return middle(held, broke) / predicted


def efficiency(held: float, broke: float | None, ceiling: float) -> float | None:
    """Divide the measured capacity by the ceiling; without `broke`, it is at least so much."""
    if ceiling <= 0:
        return None
    return (middle(held, broke) if held > 0 and broke is not None else held) / ceiling


def middle(held: float, broke: float) -> float:
    """The geometric middle of a capacity interval, for its ends are ratios apart."""
    return math.sqrt(max(held, FLOOR) * max(broke, FLOOR))
