"""What a request costs, how much there is of each resource, and which limit follows from both."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from loadtests.load.answer import Stages
from loadtests.trial.evidence import Evidence

NO_LIMIT = 1e9  # requests per second: a demand this small is noise, and limits nothing


@dataclass(frozen=True, slots=True)
class Demands:
    """What one request takes of each resource, in seconds; None where that is unknown."""

    cpu_s: float | None = None
    gil_s: float | None = None
    loop_s: float | None = None
    # The next five hold without contention.
    slot_s: float | None = None  # how long it holds a slot
    wait_s: float | None = None  # how long it waits while it runs
    dispatch_s: float | None = None  # the way to the worker
    back_s: float | None = None  # and back
    response_s: float | None = None
    generator_s: float = 0.0  # CPU time for sending it

    @property
    def hop_s(self) -> float | None:
        """The way of the work out of the event loop and back."""
        if self.dispatch_s is None or self.back_s is None:
            return None
        return self.dispatch_s + self.back_s

    @classmethod
    def of(cls, lone: Evidence | None, crowd: Evidence) -> Self:
        """Derive them from one client at a time, and from many that saturate the cell.

        CPU time comes from the crowd, because an idle machine computes up to twice as fast. Waits
        come from the lone client, because in a crowd requests wait for one another.
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


def _gil_s(crowd: Evidence) -> float | None:
    """The time with the GIL; work on the event loop is counted with the loop instead."""
    if crowd.gil is None or crowd.on_loop:
        return None
    return crowd.gil * crowd.servers / crowd.completed


def _loop_s(alone: Stages | None, crowd: Evidence) -> float | None:
    """The time of an event loop's thread; work that runs there holds it even while it waits."""
    if crowd.loop_cores is not None:
        computing_s = crowd.loop_cores * crowd.loops / crowd.completed
        return computing_s + (alone.off_cpu if crowd.on_loop and alone else 0.0)
    return alone.ran if crowd.on_loop and alone else None


@dataclass(frozen=True, slots=True)
class Supply:
    """How much there is of each resource, over all server processes; None is unlimited."""

    cores: float
    slots: int | None = None
    servers: int = 1
    loops: int = 1

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        return cls(evidence.cores, evidence.slots, evidence.servers, evidence.loops)

    def at_once(self, resource: str) -> int:
        """How many requests a resource serves at the same time."""
        slots = math.inf if self.slots is None else self.slots
        places = {"slots": slots, "cores": min(slots, self.cores), "gil": self.servers}
        return max(int(places.get(resource, self.loops)), 1)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request takes of one resource at any moment, in seconds.

    `fixed_s` is waiting, which does not depend on the machine's speed. `cpu_s` is computing: it was
    so long when a request took `whole_s` of CPU time in all processes (None where that is unknown).
    """

    fixed_s: float
    cpu_s: float
    whole_s: float | None = None

    @classmethod
    def of(cls, demands: Demands, resource: str, service_s: float, *, on_loop: bool) -> Self:
        """Divide the `service_s` that a request takes of this resource."""
        waits = resource == "slots" or (resource == "loop" and on_loop)
        fixed_s = min(demands.wait_s or 0.0, service_s) if waits else 0.0
        return cls(fixed_s, service_s - fixed_s, demands.cpu_s)

    def times(self, factor: float) -> Self:
        """Return the cost of a request that keeps the resource busy so many times as long."""
        return replace(self, fixed_s=factor * self.fixed_s, cpu_s=factor * self.cpu_s)

    def at(self, whole_s: float | None) -> float:
        """Return the demand when a request takes this CPU time; as before where it is unknown."""
        slower = whole_s / self.whole_s if whole_s and self.whole_s else 1.0
        return self.fixed_s + slower * self.cpu_s

    @property
    def cpu_share(self) -> float:
        """The part that follows the speed of the machine."""
        total = self.fixed_s + self.cpu_s
        return self.cpu_s / total if self.whole_s and total else 0.0


class Limit(NamedTuple):
    """The rate per second at which one resource is used up: cores, gil, loop or slots."""

    name: str
    rate: float


def limits(demands: Demands, supply: Supply) -> tuple[Limit, ...]:
    """List the known limits, the lowest first: that one is the ceiling, and binds.

    By the utilisation law: rate * demand ≤ supply. The generator is assumed to share the cores.
    """
    cpu_s = None if demands.cpu_s is None else demands.cpu_s + demands.generator_s
    pairs = (
        ("loop", supply.loops, demands.loop_s),  # before the GIL: work on the loop takes both alike
        ("gil", supply.servers, demands.gil_s),
        ("slots", supply.slots, demands.slot_s),
        ("cores", supply.cores, cpu_s),
    )
    known = (Limit(name, units / demand) for name, units, demand in pairs if units and demand)
    real = [limit for limit in known if limit.rate < NO_LIMIT]
    return tuple(sorted(real, key=lambda limit: limit.rate))
