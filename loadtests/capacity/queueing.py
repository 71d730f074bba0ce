"""A queue in virtual time: what a resource that serves several requests at once does with a load.

M/G/c, first come, first served. The `shape` of a queue is a sample of its service times, in any
unit: each question gives their mean, which changes with the machine's speed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from heapq import heapreplace
from itertools import accumulate
from random import Random

from loadtests.load.schedule import TrialLength

STEPS = 12  # halvings: to 1/4096 of the ceiling, finer than so many arrivals can resolve
ARRIVALS = 100_000  # of a long run: with fewer it finds up to 2 % too much
NODE = 0.1  # between the logarithms of service times that are simulated; others lie between them
COARSE = 0.2  # the same for trials, whose limit as a share of the ceiling hardly depends on it
TRIED = 9_000  # requests of trials, simulated to know what they lose on average
FEWEST, MOST = 5, 60  # of these trials
PACE = 0.05  # between two of their rates, as a share of what the queue can serve


@dataclass(frozen=True, slots=True)
class Queue:
    """`servers` at once, each for a time drawn from `shape`; later than `bound_s` is lost.

    If it `refuses`, it does not begin a request that would be too late if it took the mean time.
    """

    servers: int
    bound_s: float
    shape: tuple[float, ...] = (1.0,)
    refuses: bool = False
    mean: float = field(init=False)

    def __post_init__(self) -> None:
        if self.servers < 1 or not self.shape:
            raise ValueError(
                "a queue needs at least one server and a sample of service times, got "
                f"{self.servers} servers and {len(self.shape)} times"
            )
        object.__setattr__(self, "mean", math.fsum(self.shape) / len(self.shape))

    @property
    def variation(self) -> float:
        """The coefficient of variation of its service times."""
        squares = math.fsum((time - self.mean) ** 2 for time in self.shape)
        return math.sqrt(squares / len(self.shape)) / self.mean if self.mean else 0.0

    def times(self, count: int, rng: Random) -> list[float]:
        """Draw service times."""
        constant = len(self.shape) == 1
        return [*self.shape] * count if constant else rng.choices(self.shape, k=count)

    def _balanced(self, count: int, rng: Random) -> list[float]:
        """Draw each of the shape equally often, in random order: the mean is nearly exact."""
        whole, rest = divmod(count, len(self.shape))
        drawn = [*self.shape] * whole + rng.sample(self.shape, rest)
        rng.shuffle(drawn)
        return drawn

    def late(
        self, arrivals: Sequence[float], times: Sequence[float], factor: float, most: float
    ) -> int:
        """Count the requests answered too late, of those that arrive from second 0 on.

        `factor` turns `times` into seconds. Ends once there are more than `most`.
        """
        free = [-math.inf] * self.servers
        late, bound_s = 0, self.bound_s
        latest_s = bound_s - factor * self.mean if self.refuses else math.inf  # to begin
        for arrival, time in zip(arrivals, times, strict=True):
            took, first = time * factor, free[0]
            # Not `end - arrival`, whose rounding would decide where the bound is a service time.
            if first <= arrival:
                heapreplace(free, arrival + took)
            elif first - arrival <= latest_s:
                heapreplace(free, first + took)
                took += first - arrival
            else:
                took = math.inf
            if took > bound_s and arrival >= 0:
                late += 1
                if late > most:
                    break
        return late

    def sustained(
        self, service_s: float, loss_ratio: float, *, seed: int = 1, arrivals: int = ARRIVALS
    ) -> float:
        """Find the highest Poisson rate at which at most `loss_ratio` are late in a long run.

        Per second; 0 where the service itself takes too long. All rates meet the same requests,
        only closer together, so a higher rate never loses fewer. Within 1 % of theory.
        """
        if not 0 < loss_ratio < 1:
            raise ValueError(f"a loss ratio lies between 0 and 1, not at {loss_ratio}")
        rng = Random(seed)  # noqa: S311 - a simulation, not a secret
        times = self._balanced(arrivals, rng)
        allowed = int(loss_ratio * arrivals + 1e-9)
        factor = service_s / self.mean if self.mean > 0 else 0.0
        if self.hopeless(service_s, loss_ratio):
            return 0.0
        if factor <= 0:
            return math.inf
        gaps = [rng.expovariate(1) for _ in range(arrivals)]
        exact = arrivals / math.fsum(gaps)  # to exactly the rate: its error would be the result's
        places = [at * exact for at in accumulate(gaps)]
        low, high = 0.0, self.servers * arrivals / (factor * math.fsum(times))
        for _ in range(STEPS):
            middle = (low + high) / 2
            starts = [at / middle for at in places]
            if self.late(starts, times, factor, allowed) <= allowed:
                low = middle
            else:
                high = middle
        return low

    def hopeless(self, service_s: float, loss_ratio: float) -> bool:
        """Whether the service alone takes too long too often, without any wait."""
        factor = service_s / self.mean if self.mean > 0 else 0.0
        late = sum(time * factor > self.bound_s for time in self.shape)
        return late > loss_ratio * len(self.shape) + 1e-9

    def between(
        self, service_s: float, loss_ratio: float, node: float = NODE
    ) -> tuple[float, float]:
        """Return `sustained` for one of many service times, and the power by which it falls.

        Interpolated, so that a few simulations serve all times that a changing machine brings.
        """
        place = math.floor(math.log(service_s) / node)
        low, high = (_at_node(self, node * end, loss_ratio) for end in (place, place + 1))
        if low > 0 >= high and node == NODE:  # the bound lies between
            return self.between(service_s, loss_ratio, NODE / 10)
        if low <= 0 or high <= 0:
            return 0.0, 1.0
        falls = math.log(low / high) / node
        return low * math.exp(-falls * (math.log(service_s) - place * node)), falls

    def trial_rate(self, service_s: float, trial: TrialLength, share: float) -> float:
        """Find the rate at which trials of this length lose that share on average, per second.

        A short trial begins with an empty queue, so that it takes a higher rate than a long run.
        """
        node = round(math.log(service_s) / COARSE)
        return _trial_utilisation(self, node, trial, share) * self.servers / service_s

    def mean_loss(self, rate: float, service_s: float, trial: TrialLength, rng: Random) -> float:
        """Simulate trials at a rate; returns the share of requests that they lose on average."""
        count = max(round(rate * trial.duration_s), 1)
        late, trials = 0, min(max(TRIED // count, FEWEST), MOST)
        for _ in range(trials):
            arrivals = trial.draw(rate, rng)
            times = self.times(len(arrivals), rng)
            late += self.late(arrivals, times, service_s / self.mean, count)
        return late / trials / count


@cache
def _at_node(queue: Queue, logarithm: float, loss_ratio: float) -> float:
    return queue.sustained(math.exp(logarithm), loss_ratio)


@cache
def _trial_utilisation(queue: Queue, node: int, trial: TrialLength, share: float) -> float:
    """Find how busy the servers are, as a share, where trials lose a share of their requests."""
    rng = Random(1)  # noqa: S311 - a simulation, not a secret
    service_s = math.exp(node * COARSE)
    busy, lost, before, lost_before = 0.3, 0.0, 0.3, 0.0
    while lost < share and busy < 3:
        before, lost_before = busy, lost
        busy += PACE
        lost = queue.mean_loss(busy * queue.servers / service_s, service_s, trial, rng)
    if lost <= lost_before:
        return busy
    return before + (busy - before) * min((share - lost_before) / (lost - lost_before), 1.0)
