"""Run the trials beyond the peak of one cell; each becomes a line of the run file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any

from loadtests.errors import ServiceError, StartError, Unmeasured, Untrustworthy
from loadtests.run.beyond import bystanders, faults, overload, soak, spike, surge
from loadtests.run.beyond.kinds import Chosen
from loadtests.run.beyond.lab import Peak, PeakLab

RUNS: Mapping[str, Callable[[PeakLab, float], dict[str, Any]]] = {
    "overload": overload.run,
    "spike": spike.run,
    "soak": soak.run,
    "faults": faults.run,
    "bystanders": bystanders.run,
    "surge": surge.run,
}


def beyond(
    chosen: Chosen, line: Mapping[str, Any], lab: Callable[[Peak], PeakLab]
) -> Iterator[dict[str, Any]]:
    """Run the chosen kinds one after the other; a reason takes the place of missing figures.

    `line` is the `cell` line of the run file.
    """
    for kind, seconds in chosen.items():
        begun = monotonic()
        try:
            figures = RUNS[kind](lab(_peak(line)), seconds)
        except (Unmeasured, Untrustworthy, StartError, ServiceError, OSError) as error:
            figures = {"reason": " ".join(str(error).split())}
        yield {"kind": kind, "elapsed_s": round(monotonic() - begun, 3), **figures}


def _peak(line: Mapping[str, Any]) -> Peak:
    if line["state"] == "at generator limit":
        raise Unmeasured("its peak is not known: the generator reached its limit first")
    if line["state"] != "measured":
        raise Unmeasured("its peak is not known: it was not measured")
    capacity, goodput = line["interval"][0], line.get("peak_goodput")
    if not capacity:
        raise Unmeasured("it sustains no load, so it has no peak to go beyond")
    if not goodput:
        raise Unmeasured("its peak is not known: no trial passed")
    return Peak(capacity, goodput)
