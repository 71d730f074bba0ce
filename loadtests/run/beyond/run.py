"""Runs the trials beyond the peak of one cell, each to a line of the run file."""

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
    chosen: Chosen, found: Mapping[str, Any], bench: Callable[[Peak], PeakLab]
) -> Iterator[dict[str, Any]]:
    """Run the chosen kinds, one after the other; a reason takes the place of a missing figure.

    `found` is what the search said of the cell.
    """
    for kind, seconds in chosen.items():
        begun = monotonic()
        try:
            said = RUNS[kind](bench(_peak(found)), seconds)
        except (Unmeasured, Untrustworthy, StartError, ServiceError, OSError) as error:
            said = {"reason": " ".join(str(error).split())}
        yield {"kind": kind, "elapsed_s": round(monotonic() - begun, 3), **said}


def _peak(found: Mapping[str, Any]) -> Peak:
    held, broke, goodput = found["held"], found["broke"], found["peak_goodput"]
    if not held:
        raise Unmeasured("it bears no load, so there is no peak to go beyond")
    if broke is None:
        raise Unmeasured("its peak is not known: the search met its upper limit")
    if not goodput:
        raise Unmeasured("its peak is not known: no full trial held")
    return Peak(held, broke, goodput)
