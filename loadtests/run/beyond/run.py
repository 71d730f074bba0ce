"""Run the trials beyond the peak of one cell; each becomes a line of the run file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any

from loadtests.errors import ServiceError, StartError, Unmeasured, Untrustworthy
from loadtests.run.beyond import bystanders, faults, overload, soak, spike
from loadtests.run.beyond.kinds import Chosen
from loadtests.run.beyond.lab import Peak, PeakLab

RUNS: Mapping[str, Callable[[PeakLab, float], dict[str, Any]]] = {
    "overload": overload.run,
    "spike": spike.run,
    "soak": soak.run,
    "faults": faults.run,
    "bystanders": bystanders.run,
}


def beyond(
    chosen: Chosen, capacity: Mapping[str, Any], lab: Callable[[Peak], PeakLab]
) -> Iterator[dict[str, Any]]:
    """Run the chosen kinds one after the other; a reason takes the place of missing figures.

    `capacity` is the result of the search for the cell.
    """
    for kind, seconds in chosen.items():
        begun = monotonic()
        try:
            figures = RUNS[kind](lab(_peak(capacity)), seconds)
        except (Unmeasured, Untrustworthy, StartError, ServiceError, OSError) as error:
            figures = {"reason": " ".join(str(error).split())}
        yield {"kind": kind, "elapsed_s": round(monotonic() - begun, 3), **figures}


def _peak(capacity: Mapping[str, Any]) -> Peak:
    held, broke, goodput = (capacity[key] for key in ("held", "broke", "peak_goodput"))
    if not held:
        raise Unmeasured("it sustains no load, so it has no peak to go beyond")
    if broke is None:
        raise Unmeasured("its peak is not known: the search met its upper limit")
    if not goodput:
        raise Unmeasured("its peak is not known: no full trial met the SLO")
    return Peak(held, broke, goodput)
