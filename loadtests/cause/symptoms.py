"""How full each resource was under a load, and to what its requests were lost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

from loadtests.capacity.demands import Demands
from loadtests.cause.critical import critical
from loadtests.load.answer import Stages
from loadtests.trial.evidence import Evidence

FULL = 0.9  # of the cores, or of an event loop: by chance, the rest goes unused
NEARLY = 0.8  # of its critical utilisation: what is less busy did not break a load
SHORT_S = 2.0  # a shorter load has hardly begun to fill a resource
SHORT_NEARLY = 0.7
LONGER = 1.5  # than alone: so much longer is not an accident
LEAST_WAIT_S = 0.001
UNEXPLAINED = 3.0  # times the wait that is expected of a resource that is so busy
IDLER = 0.2  # of a core: what uses less gets it at once, however busy the cores are,
IDLE_SHARE = 0.05  # unless it computes for more than this share of its run
HOG = 0.25  # of the cores for other processes: enough to be the cause
NO_FAULT_OF_THE_WORK = ("connect", "timeout", "timed out", "broken pipe", "no answer")


class Finding(NamedTuple):
    """A cause, and what proves it: one clause, and the numbers in it.

    `quotient` is the utilisation of a resource, divided by its critical one; None where the cause
    is certain without.
    """

    name: str
    sentence: str
    numbers: Mapping[str, float]
    quotient: float | None = None


class Pool(NamedTuple):
    """Slots, and how long a call holds one if it need not wait for others in its work."""

    name: str  # empty for the only one
    slots: int
    each_s: float
    busy: float  # share of the slots, by Little's law: number = rate * time


@dataclass(frozen=True)
class Symptoms:
    """Evidence of a load that broke, and the demands of a request where they are known.

    `runs` are the seconds that the work took alone.
    """

    evidence: Evidence
    alone: Demands
    runs: tuple[float, ...] = ()

    @cached_property
    def lost(self) -> int:
        return sum(self.evidence.losses.values())

    def share_lost(self, *kinds: str) -> float:
        """The share of the lost requests that were lost in one of these ways."""
        return sum(self.evidence.losses.get(kind, 0) for kind in kinds) / max(self.lost, 1)

    def quotient(self, busy: float, servers: float, service_s: float) -> float:
        """Divide a utilisation by the one at which this objective is just met.

        What a lone request takes beyond its service is taken off the bound, if that leaves any.
        """
        evidence = self.evidence
        beyond_s = max((self.alone.response_s or 0.0) - service_s, 0.0)
        bound_s = evidence.bound_s - beyond_s
        bound_s = bound_s if bound_s > service_s else evidence.bound_s
        most = critical(max(int(servers), 1), service_s, bound_s, evidence.loss_ratio, self.runs)
        return busy / (most or 1.0)

    @property
    def nearly(self) -> float:
        """The quotient from which on a resource may have been the limit."""
        return NEARLY if self.evidence.duration_s >= SHORT_S else SHORT_NEARLY

    def each_s(self, busy: float) -> float:
        """The seconds of a request for which a resource with this many busy units serves it."""
        return busy / self.evidence.completed if self.evidence.completed > 0 else 0.0

    @cached_property
    def busy_cores(self) -> float | None:
        """Cores kept busy by all processes; None where those of the server are unknown."""
        evidence = self.evidence
        if evidence.server_cores is None:
            return None
        return evidence.server_cores + evidence.generator_cores + (evidence.other_cores or 0.0)

    @cached_property
    def cores_busy(self) -> float | None:
        """The share of the cores that was busy."""
        return None if self.busy_cores is None else self.busy_cores / (self.evidence.cores or 1)

    @property
    def cores_full(self) -> bool:
        return (self.cores_busy or 0.0) >= FULL

    @property
    def computes(self) -> bool:
        """Whether requests need enough of a core to wait for one: the system favours idlers."""
        used, stages = self.evidence.server_cores or 0.0, self.evidence.typical
        ran_s = stages.ran if stages else 0.0
        return used >= IDLER or self.each_s(used) >= IDLE_SHARE * ran_s

    @property
    def hogged(self) -> bool:
        """Whether other processes than server and generator took a good part of the cores."""
        return (self.evidence.other_cores or 0.0) >= HOG * self.evidence.cores

    @cached_property
    def run_s(self) -> float | None:
        """How long the work runs alone, computing as slowly as in a crowd."""
        alone = self.alone
        return None if alone.slot_s is None else max(alone.slot_s - (alone.dispatch_s or 0.0), 0.0)

    @cached_property
    def wait_s(self) -> float:
        """How long a lone request waits in the work."""
        return self.alone.wait_s or 0.0

    @cached_property
    def stuck(self) -> int:
        """Slots taken by calls that do not end: answers say nothing of them, the service does."""
        evidence, stages = self.evidence, self.evidence.typical
        answered = evidence.completed * (stages.dispatched + stages.ran) if stages else 0.0
        unanswered = sum(evidence.losses.get(kind, 0) for kind in ("unfinished", "expired"))
        beside = max((evidence.busy or 0) - math.ceil(answered), 0)
        return max(evidence.left, evidence.abandoned, min(beside, unanswered))

    @cached_property
    def pools(self) -> Sequence[Pool]:
        """The pools of the model: two for one that is made of others, of which one computes."""
        evidence, stages = self.evidence, self.evidence.typical
        if not evidence.slots or stages is None:
            return ()
        held_s = stages.dispatched + stages.ran if self.alone.slot_s is None else self.alone.slot_s
        if len(evidence.pools) < 2:
            share = (evidence.completed * held_s + self.stuck) / evidence.slots
            return (Pool("", evidence.slots, held_s, min(share, 1.0)),)
        waits_s = stages.off_cpu if self.alone.wait_s is None else self.alone.wait_s
        return [
            Pool(name, slots, each_s, min(evidence.completed * each_s / slots, 1.0))
            for name, (slots, _) in evidence.pools.items()
            for each_s in [waits_s if "thread" in name else max(held_s - waits_s, 0.0)]
        ]

    @cached_property
    def workers_busy(self) -> float | None:
        """The busy share of the slots of the busiest pool, without waits for one another."""
        return max((pool.busy for pool in self.pools), default=None)

    @cached_property
    def awaited(self) -> bool:
        """Whether the work is a coroutine, which shares the thread of the event loop."""
        stages = self.evidence.typical
        return not self.evidence.on_loop and stages is not None and stages.on_cpu == 0 < stages.ran

    @cached_property
    def loop_held(self) -> float | None:
        """The share of time in which work that runs on the event loop held it, by Little's law."""
        evidence, stages = self.evidence, self.evidence.typical
        if not evidence.on_loop or stages is None:
            return None
        return min(evidence.completed * stages.ran / max(evidence.loops, 1), 1.0)

    @property
    def loop_full(self) -> bool:
        """Whether an event loop had no time left: it computed, or work held it."""
        return max(self.evidence.loop_cores or 0.0, self.loop_held or 0.0) >= FULL

    @cached_property
    def loop_lags(self) -> bool:
        """Whether timers of the event loop alone take up a good part of the bound."""
        return (self.evidence.loop_lag_p99_s or 0.0) >= self.evidence.bound_s / 2

    @cached_property
    def paused(self) -> bool:
        """Whether those timers are late now and then, and so late that the bystander suffers."""
        lag_s, usual_s = self.evidence.loop_lag_p99_s or 0.0, self.evidence.loop_lag_p50_s or 0.0
        starved = self.evidence.bystander_loss > self.evidence.loss_ratio
        return self.loop_lags and starved and usual_s <= lag_s / 10

    @cached_property
    def usual_run(self) -> bool:
        """Whether half of the requests ran no longer than alone, so that nothing held them up."""
        ran_s, alone_s = self.evidence.ran_p50_s, median(self.runs) if self.runs else self.run_s
        return ran_s is not None and alone_s is not None and ran_s <= 1.5 * alone_s + 0.001

    @cached_property
    def inside(self) -> float | None:
        """How many requests the work serves at a time: rate * the run of a lone request."""
        return None if self.run_s is None else self.evidence.completed * self.run_s

    @cached_property
    def waits_inside(self) -> bool:
        """Whether requests wait in the work, mostly, and for longer than any resource explains.

        One that is busy for the share `u` of the time makes a request that computes for some time
        wait for about `u / (1 - u)` times as long.
        """
        stages, evidence = self.evidence.typical, self.evidence
        if stages is None or self.alone.wait_s is None or evidence.on_loop:
            return False
        if self.awaited and (evidence.loop_cores is None or evidence.loop_cores >= NEARLY):
            return False  # a coroutine may wait for its event loop, and that looks the same
        held = (evidence.server_cores or 0.0) / evidence.servers  # at most, where it is not seen
        held = held if evidence.gil is None else evidence.gil
        busy = min(max(held, self.cores_busy or 0.0), FULL)
        computes_s = max(stages.on_cpu, self.each_s(evidence.server_cores or 0.0))
        explained_s = UNEXPLAINED * computes_s * busy / (1 - busy)
        more_s = max(LONGER * self.wait_s, self.wait_s + explained_s, LEAST_WAIT_S)
        return not self.usual_run and stages.off_cpu >= max(more_s, stages.ran / 2)

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """The share of each stage in the time of late requests, else of all; empty if unknown."""
        stages = self.evidence.late or self.evidence.typical
        return {} if stages is None else _shares(stages)

    @property
    def longest(self) -> str | None:
        """The stage in which most of that time went."""
        return max(self.shares, key=self.shares.__getitem__, default=None)

    @cached_property
    def faults(self) -> float:
        """The share of the lost requests in which the work failed or gave a wrong answer."""
        other = sum(
            count
            for text, count in self.evidence.errors.items()
            if any(sign in text.lower() for sign in NO_FAULT_OF_THE_WORK)
        )
        failed = max(self.evidence.losses.get("failed", 0) - other, 0)
        return failed / max(self.lost, 1) + self.share_lost("wrong")


def _shares(stages: Stages) -> Mapping[str, float]:
    positive = {name: max(time, 0.0) for name, time in stages._asdict().items()}
    total = math.fsum(positive.values())
    if not 0 < total < math.inf:
        return {}
    return {name: time / total for name, time in positive.items()}


def milliseconds(seconds: float) -> str:
    """Write a time with at least two digits, and not more than a sentence needs."""
    ms = 1000 * seconds
    return f"{ms:.0f} ms" if ms >= 99.5 else f"{ms:.1f} ms" if ms >= 0.95 else f"{ms:.2g} ms"
