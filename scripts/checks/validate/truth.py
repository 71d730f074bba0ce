"""What M/D/c queues truly bear, in service times: by formula for one server, simulated for more."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from decimal import Decimal, localcontext
from itertools import accumulate
from random import Random
from statistics import fmean, linear_regression

LOSS_RATIO = 0.01  # of a p99
DIGITS = 100
CLOSE = 1e-4


def ends(times: Sequence[float], servers: int) -> list[float]:
    """Serve sorted arrivals first come first served, each for one unit of time."""
    free = deque([0.0] * servers)
    served = []
    for time in times:
        free.append(max(time, free.popleft()) + 1.0)
        served.append(free[-1])
    return served


def waits_no_longer(load: float, wait: float) -> float:
    """Give the probability that M/D/1 begins to serve a request within so many service times.

    The formula of Erlang (1909) and Crommelin (1932). Its terms are huge, of alternating signs,
    and nearly cancel, so they are added up with many digits.
    """
    with localcontext(prec=DIGITS):
        rate, total = Decimal(load), Decimal(0)
        for ahead in range(math.floor(wait) + 1):
            rest = rate * (Decimal(wait) - ahead)
            term = (-rest) ** ahead if ahead else Decimal(1)
            total += rest.exp() * term / math.factorial(ahead)
        return float((1 - rate) * total)


def utilisation(bound: float) -> float:
    """Find the highest utilisation of M/D/1 that keeps p99 below so many service times."""
    low, high = 0.0, 1.0
    while high - low > CLOSE:
        middle = (low + high) / 2
        kept = waits_no_longer(middle, bound - 1) >= 1 - LOSS_RATIO
        low, high = (middle, high) if kept else (low, middle)
    return low


def simulated(load: float, servers: int, bound: float, arrivals: int) -> float:
    """Give the share that a long Poisson run of M/D/c answers within so many service times."""
    rng = Random(11)  # noqa: S311 - a simulation, not secrets
    times = list(accumulate(rng.expovariate(load * servers) for _ in range(arrivals)))
    return fmean(end - time <= bound for time, end in zip(times, ends(times, servers), strict=True))


def crossing(seen: Sequence[tuple[float, float]], bound: float) -> float:
    """Estimate at which utilisation p99 reaches a bound, from (utilisation, p99) of some trials.

    The waiting time of a queue grows about as a power of 1 / (1 - utilisation); a line through the
    logarithms uses all trials, and a single p99 from a thousand requests is good to a tenth only.
    """
    free = [-math.log(1 - load) for load, _ in seen]
    line = linear_regression(free, [math.log(p99) for _, p99 in seen])
    return 1 - math.exp(-(math.log(bound) - line.intercept) / line.slope)
