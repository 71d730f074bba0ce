"""A simulated service, which tests compare with formulas and with other simulations."""

import heapq
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from loadtests.slo import Slo


@dataclass(frozen=True, slots=True)
class Service:
    """`servers` workers that serve first come, first served; at most `queue` requests wait."""

    name: str
    servers: int
    service_s: float
    random: bool = False
    queue: float = math.inf

    @property
    def ceiling(self) -> float:
        return self.servers / self.service_s

    def respond(self, times: list[float], rng: Random, slowdown: float = 1.0) -> list[float | None]:
        """Return when each of the sorted arrivals is answered; None where it is refused."""
        if not self.random and self.queue == math.inf:
            return list(self._in_turn(times, self.service_s * slowdown))
        free = [0.0] * self.servers
        starts: list[float] = []  # of waiting requests, all in the future
        ended: list[float | None] = []
        heapq.heapify(free)
        mean = self.service_s * slowdown
        for time in times:
            if self.queue < math.inf:
                while starts and starts[0] <= time:
                    heapq.heappop(starts)
                if len(starts) >= self.queue and free[0] > time:
                    ended.append(None)
                    continue
            start = max(time, free[0])
            end = start + (rng.expovariate(1 / mean) if self.random else mean)
            heapq.heapreplace(free, end)
            if self.queue < math.inf and start > time:
                heapq.heappush(starts, start)
            ended.append(end)
        return ended

    def _in_turn(self, times: list[float], service_s: float) -> Iterator[float]:
        """Serve equal requests without a heap: the servers take them in turn."""
        free = deque([0.0] * self.servers)
        for time in times:
            end = max(time, free.popleft()) + service_s
            free.append(end)
            yield end

    def lost(self, rate: float, slo: Slo, arrivals: int = 300_000) -> float:
        """Return the loss ratio of a long, unconditioned Poisson run, within a fifth of itself."""
        rng = Random(11)
        times = list(accumulate(rng.expovariate(rate) for _ in range(arrivals)))
        ends = self.respond(times, rng)
        late = (
            end is None or end - time > slo.bound_s for time, end in zip(times, ends, strict=True)
        )
        return sum(late) / arrivals
