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
    met. Each server of the `queue` behind it is busy for `service_s` with one request.
    """

    ceiling: float
    binding: str
    capacity: float
    queue: Queue
    service_s: float


def predict(
    demands: Demands,
    supply: Supply,
    ran_s: Sequence[float],
    slo: Slo,
    *,
    refuses: bool = False,
) -> Prediction | None:
    """Predict the capacity of a cell; None if no limit is known.

    Service times vary as `ran_s` does: the seconds that lone calls ran. What a lone request takes
    beyond its service (under `async`, its wait) is taken off the bound. `refuses` says that the
    service does not begin what would be too late.
    """
    known = limits(demands, supply)
    if not known:
        return None
    binding, ceiling = known[0]
    servers = supply.at_once(binding)
    service_s = servers / ceiling
    mean_s = math.fsum(ran_s) / len(ran_s) if ran_s else 0.0
    shape = tuple(time / mean_s for time in ran_s) if mean_s > 0 else (1.0,)
    beyond_s = max((demands.response_s or 0.0) - service_s, 0.0)
    queue = Queue(servers, slo.bound_s - beyond_s, shape, refuses)
    expected, _ = queue.between(service_s, slo.loss_ratio)
    return Prediction(ceiling, binding, expected, queue, service_s)


def score(predicted: float, measured: float, *, unbounded: bool = False) -> float | None:
    """Divide a measured capacity by the predicted one.

    `unbounded` is one that the generator could not reach: the ratio is then at least so much, and
    None where the prediction lies beyond what was offered. Rates below 1/s count as 1/s, because
    nothing distinguishes them.
    """
    predicted, measured = max(predicted, FLOOR), max(measured, FLOOR)
    if unbounded and predicted >= measured:
        return None
    return measured / predicted


def efficiency(measured: float, ceiling: float) -> float | None:
    """Divide a measured capacity by the ceiling."""
    return measured / ceiling if ceiling > 0 else None
