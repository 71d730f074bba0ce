"""What a cell should sustain: a queue for the resource that runs out first, simulated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace
from random import Random

from loadtests.capacity.demands import Demands, Supply, limits
from loadtests.slo import FLOOR, Slo

STEPS = 12  # halvings: to 1/4096 of the ceiling, finer than so many arrivals can resolve


@dataclass(frozen=True, slots=True)
class Prediction:
    """The expected limits of a cell, in requests per second.

    `ceiling` is where the resource `binding` is used up, `capacity` where the objective is just
    met. The queue behind it has `servers`, each busy for `service_s` with one request.
    """

    ceiling: float
    binding: str
    capacity: float
    servers: int
    service_s: float


def predict(
    demands: Demands, supply: Supply, ran_s: Sequence[float], slo: Slo
) -> Prediction | None:
    """Predict the capacity of a cell; None if no limit is known.

    Service times vary as `ran_s` does: the seconds that lone calls ran. What a lone request takes
    beyond its service (under `async`, its wait) is taken off the bound.
    """
    known = limits(demands, supply)
    if not known:
        return None
    binding, ceiling = known[0]
    servers = supply.at_once(binding)
    service_s = servers / ceiling
    mean_s = math.fsum(ran_s) / len(ran_s) if ran_s else 0.0
    scaled = [service_s * time / mean_s for time in ran_s] if mean_s > 0 else [service_s]
    beyond_s = max((demands.response_s or 0.0) - service_s, 0.0)
    expected = capacity(servers, scaled, slo.bound_s - beyond_s, slo.loss_ratio)
    return Prediction(ceiling, binding, expected, servers, service_s)


def capacity(  # noqa: PLR0913  # the queue, the objective, and two that repeat a simulation
    servers: int,
    service_s: Sequence[float],
    bound_s: float,
    loss_ratio: float,
    *,
    seed: int = 1,
    arrivals: int = 100_000,
) -> float:
    """Find the highest Poisson rate at which at most `loss_ratio` take longer than `bound_s`.

    An M/G/c queue, first come first served, whose service times are drawn from a sample, in
    seconds. The rate is per second; 0 where the service itself takes too long. All rates meet the
    same requests, only closer together, so a higher rate never loses fewer. Within 1 % of theory;
    with fewer arrivals it finds up to 2 % too much where the bound is many service times.
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
    stretch = arrivals / math.fsum(gaps)  # to exactly the rate: its error would be the result's
    low, high = 0.0, servers / mean_s
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _holds(servers, times, gaps, stretch / middle, bound_s, allowed):
            low = middle
        else:
            high = middle
    return low


def _repeated(service_s: Sequence[float], arrivals: int, rng: Random) -> list[float]:
    """Draw each time of the sample equally often, in random order: the mean is then exact."""
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
        # Not `end - now`, whose rounding would decide where the bound is a service time.
        if first > now:
            heapreplace(free, first + time)
            took = first - now + time
        else:
            heapreplace(free, now + time)
            took = time
        if took > bound_s:
            late += 1
            if late > allowed:
                return False
    return True


def score(predicted: float, held: float, broke: float | None) -> float | None:
    """Divide the measured capacity, the geometric middle of its interval, by the predicted one.

    Without `broke`, the search met its upper limit: the ratio is then at least so much, and None
    where the prediction lies beyond what was searched. Rates below 1/s count as 1/s, because a
    search does not distinguish them.
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
    """Return the geometric middle of a capacity interval: its ends are a ratio apart."""
    return math.sqrt(max(held, FLOOR) * max(broke, FLOOR))
