"""How busy a resource may be while the objective is still met: its queue, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from loadtests.capacity.queueing import Queue

ARRIVALS = 4000  # enough for 3 %, in some 20 ms; each answer is kept
NODE = 0.25  # between the logarithms of bounds that are simulated; others lie between them
LOOSE = 60.0  # times the service: with such a bound, a resource may be busy nearly always
MANY = 64  # servers: with more, the same holds
QUANTILES = 32  # of the service times that are simulated
HOPELESS = 0.05


def critical(
    servers: int, service_s: float, bound_s: float, loss_ratio: float, runs: tuple[float, ...] = ()
) -> float | None:
    """Return the utilisation at which the objective is just met; None where it never is.

    Each server takes `service_s` for a request, which varies as `runs` do.
    """
    if service_s <= 0 or bound_s <= service_s or not 0 < loss_ratio < 1:
        return None
    place = math.log(min(bound_s / service_s, LOOSE)) / NODE
    node, shape = math.floor(place), quantiles(runs)
    low, high = (_at(min(servers, MANY), node + end, loss_ratio, shape) for end in (0, 1))
    most = low + (high - low) * (place - node)
    return most if most > HOPELESS else None


@cache
def quantiles(runs: tuple[float, ...]) -> tuple[float, ...]:
    """Return a small sample of service times that vary as `runs` do, around a mean of 1."""
    times = sorted(runs)
    if len(times) > QUANTILES:
        times = [times[(2 * i + 1) * len(times) // (2 * QUANTILES)] for i in range(QUANTILES)]
    mean = math.fsum(times) / len(times) if times else 0.0
    return tuple(round(time / mean, 3) for time in times) if mean > 0 else (1.0,)


@cache
def _at(servers: int, node: int, loss_ratio: float, shape: Sequence[float]) -> float:
    queue = Queue(servers, math.exp(node * NODE), tuple(shape))
    return min(queue.sustained(1.0, loss_ratio, arrivals=ARRIVALS) / servers, 1.0)
