"""What rate a queue bears under an objective, by simulation with measured service times."""

import math
from heapq import heapreplace
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 12  # halvings: to 1/4000 of the ceiling, finer than so many arrivals can tell


def capacity(  # noqa: PLR0913  # the queue, the objective, and two that repeat a simulation
    servers: int,
    service_s: "Sequence[float]",
    bound_s: float,
    loss_ratio: float,
    *,
    seed: int = 1,
    arrivals: int = 100_000,
) -> float:
    """Find the highest Poisson rate at which at most `loss_ratio` take longer than `bound_s`.

    An M/G/c queue, first come first served, whose service times are drawn from a sample, in
    seconds; the rate is per second, 0 where the service itself takes too long. All rates meet the
    same requests, only closer together: so a higher rate is never kinder. Within 1 % of theory;
    fewer arrivals find up to 2 % too much where the bound is many service times.
    """
    if servers < 1 or not service_s or not 0 < loss_ratio < 1:
        raise ValueError(
            f"capacity expects at least one server, a sample of service times and a loss ratio "
            f"between 0 and 1, got {servers=}, {len(service_s)} times and {loss_ratio=}."
        )
    rng = Random(seed)  # noqa: S311 - a simulation, not a secret
    times = _repeated(service_s, arrivals, rng)
    mean_s = math.fsum(times) / arrivals
    allowed = int(loss_ratio * arrivals + 1e-9)
    if sum(time > bound_s for time in times) > allowed:
        return 0.0
    if mean_s <= 0:
        return math.inf
    gaps = [rng.expovariate(1) for _ in range(arrivals)]
    stretch = arrivals / math.fsum(gaps)  # to the very rate: its error would be the result's
    low, high = 0.0, servers / mean_s
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _holds(servers, times, gaps, stretch / middle, bound_s, allowed):
            low = middle
        else:
            high = middle
    return low


def _repeated(service_s: "Sequence[float]", arrivals: int, rng: Random) -> list[float]:
    """Draw each time of the sample equally often, in random order: chance adds no error of mean."""
    whole, rest = divmod(arrivals, len(service_s))
    times = [*service_s] * whole + rng.sample(service_s, rest)
    rng.shuffle(times)
    return times


def _holds(  # noqa: PLR0913, PLR0917  # the state of one simulation
    servers: int,
    times: list[float],
    gaps: list[float],
    gap_s: float,
    bound_s: float,
    allowed: int,
) -> bool:
    """Whether at most `allowed` are late; ends as soon as that is decided."""
    free = [0.0] * servers
    now, late = 0.0, 0
    for gap, time in zip(gaps, times, strict=True):
        now += gap * gap_s
        first = free[0]
        # A call of max() would take as long as all the rest.
        end = (first if first > now else now) + time  # noqa: FURB136 - max costs a call, millions of times
        heapreplace(free, end)
        if end - now > bound_s:
            late += 1
            if late > allowed:
                return False
    return True
