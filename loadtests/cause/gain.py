"""By how much the capacity of a cell should change with its limits: narrow enough to be refuted."""

import math
from collections.abc import Mapping, Sequence

from loadtests.capacity.demands import Limit
from loadtests.cause.critical import critical
from loadtests.trial.evidence import Evidence

DETECTABLE = 1.2  # a smaller change may disappear in the width of a measured ratio
SOME_MORE = 1.1  # the least that is claimed where only the most is known
BEYOND = 1.25  # times the ratio of the limits, where the critical utilisation is not known
MARGIN = 0.15  # by which limits from a calibration may be wrong in relation to one another
LEAST_USED = 0.25  # of a limit at the capacity: below it, another resource is to blame


def gain(
    evidence: Evidence,
    limits: Sequence[Limit],
    capacity: float,
    blamed: str,
    factors: Mapping[str, float],
) -> tuple[float, float] | Limit:
    """Return the range of the ratio of capacities if these limits change by these factors.

    It is the next limit where that is too near for a change to show.

    At the capacity a share of the blamed limit is used, which is its critical utilisation as
    measured. Of a pool that is larger by a factor, the share that goes unused is smaller by its
    square root (Halfin and Whitt, 1981); of further processes and loops, which do not share a
    queue, it is the same. Of the next limit, no less is used than of the blamed one now, and no
    more than a queue for that resource alone allows.
    """
    known = dict(limits)
    known.setdefault(blamed, capacity)  # it broke there, so the limit cannot be far
    changed = [Limit(name, limit * factors.get(name, 1.0)) for name, limit in known.items()]
    least, base = min(changed, key=lambda limit: limit.rate), min(known.values())
    ratio = least.rate / base if base > 0 else 1.0
    if 1 / DETECTABLE < ratio < DETECTABLE:
        return least
    if ratio < 1:
        return ratio / BEYOND, math.sqrt(ratio)
    used = min(max(capacity / base, LEAST_USED), 1.0)
    lows, highs = list[float](), list[float]()
    for name, limit in changed:
        times = limit / base
        low = high = used
        if name not in factors:
            high = max(used, _most_used(evidence, name, limit))
        elif name == "slots":
            low = high = 1 - (1 - used) / math.sqrt(times)
        lows.append(times * low / used)
        highs.append(times * high / used)
    return max((1 - MARGIN) * min(lows), SOME_MORE), (1 + MARGIN) * min(highs)


def _most_used(evidence: Evidence, name: str, limit: float) -> float:
    """Return the share of a resource that may be used if requests wait for nothing else."""
    units = {
        "cores": evidence.cores,
        "gil": evidence.servers,
        "loop": evidence.loops,
        "slots": evidence.slots or 1,
    }.get(name, 1)
    if not limit:
        return 1.0
    most = critical(max(int(units), 1), units / limit, evidence.bound_s, evidence.loss_ratio)
    return most or 1.0
