"""What a cell should sustain: a queue for the resource that runs out first, simulated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.capacity.demands import Demands, Supply, limits
from loadtests.capacity.queueing import Queue
from loadtests.slo import FLOOR, Slo


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
    scaled = tuple(service_s * time / mean_s for time in ran_s) if mean_s > 0 else (service_s,)
    beyond_s = max((demands.response_s or 0.0) - service_s, 0.0)
    queue = Queue(servers, slo.bound_s - beyond_s, scaled)
    expected = queue.sustained(queue.mean, slo.loss_ratio)
    return Prediction(ceiling, binding, expected, servers, service_s)


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
