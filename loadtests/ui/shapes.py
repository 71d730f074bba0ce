"""Load shapes for the UI: steps up to a rate, a spike, a soak."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.load.schedule import Phase
from loadtests.ui.turns import COMPARE

SHAPES = ("steps", "spike", "soak")
LOADS = ("steady", COMPARE, *SHAPES)  # scenarios in which the users are the load
USUAL_S = {"steps": 60.0, "spike": 60.0, "soak": 300.0}
SHORTEST_S = 2.0  # of a phase: Locust looks at a course once a second
MOST_STEPS = 100
SPIKE_SHARE = 0.2  # of the whole time, in its middle


def course(
    shape: str, rate: float, duration_s: float | None, steps: int, spike: float
) -> tuple[Phase, ...]:
    """Return the offered rate over time; without a duration, the usual one applies.

    Steps climb to `rate`, a spike is `spike` times as high, and a soak stays. Raises ValueError
    for a shape that cannot be offered.
    """
    whole = duration_s or USUAL_S[shape]
    match shape:
        case "steps":
            phases = _steps(rate, whole, steps)
        case "spike":
            phases = _spike(rate, whole, spike)
        case _:
            phases = (Phase(rate, whole),)
    least = SHORTEST_S / min(phase.duration_s / whole for phase in phases)
    if whole < least:
        raise ValueError(
            f"{whole:g} s is too short for {shape}; give a run time of at least {least:g} s"
        )
    return phases


def rate_at(phases: Sequence[Phase], at_s: float) -> float | None:
    """Look up the rate at a time since the start; None after the end."""
    for phase in phases:
        if at_s < phase.duration_s:
            return phase.rate
        at_s -= phase.duration_s
    return None


def _steps(rate: float, duration_s: float, steps: int) -> tuple[Phase, ...]:
    if not 2 <= steps <= MOST_STEPS:
        raise ValueError(f"steps must be 2 to {MOST_STEPS}, not {steps}")
    if rate < steps:
        raise ValueError(
            f"{steps} steps need at least {steps} users, not {rate:g}; give more users"
        )
    return tuple(Phase(rate * (step + 1) / steps, duration_s / steps) for step in range(steps))


def _spike(rate: float, duration_s: float, spike: float) -> tuple[Phase, ...]:
    if spike <= 1:
        raise ValueError(f"spike must be more than 1, not {spike:g}")
    beside = Phase(rate, duration_s * (1 - SPIKE_SHARE) / 2)
    return beside, Phase(spike * rate, duration_s * SPIKE_SHARE), beside
