"""Quantiles of Student's t distribution, which has heavier tails the fewer rounds there are."""

from __future__ import annotations

import math
from functools import cache

STEPS = 60  # halvings


@cache
def quantile(share: float, freedom: int) -> float:
    """Return the value below which that share of t lies; shares from 0.5 to 0.99999."""
    if freedom < 1 or not 0.5 <= share <= 0.99999:
        raise ValueError(
            "quantile expects at least one degree of freedom and a share from 0.5 to 0.99999, got "
            f"{freedom=}, {share=}"
        )
    low, high = 0.0, 1e6
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle, freedom) < share else (low, middle)
    return high


def below(value: float, freedom: int) -> float:
    """Return the share of t below a value (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(value / math.sqrt(freedom))
    cosine = math.cos(angle) ** 2
    odd = freedom % 2
    term = total = 0.0 if freedom == 1 else 1.0
    for step in range(2 + odd, freedom, 2):
        term *= cosine * (step - 1) / step
        total += term
    if odd:
        total = 2 / math.pi * (angle + math.sin(angle) * math.cos(angle) * total)
    else:
        total *= math.sin(angle)
    return (1 + total) / 2


def moderated(variance: float, freedom: int, usual: float, usual_freedom: int) -> tuple[float, int]:
    """Join a variance with a `usual` standard deviation (Smyth, 2004); returns both joined.

    `usual_freedom` is the weight of the usual one, in degrees of freedom.
    """
    whole = usual_freedom + freedom
    return (usual_freedom * usual**2 + freedom * variance) / whole, whole
