"""Axes of charts: where they begin and end, and which of their ticks have a number."""

from collections.abc import Iterable
from math import floor, log10

STEPS = (
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 4, 6, 8),
    (1, 2, 5),
    (1, 3),
    (1,),
)
MOST = 7  # numbers on an axis


def span(values: Iterable[float], room: float = 1.15) -> tuple[float, float]:
    """Return where a logarithmic axis begins and ends, with some room around its values."""
    known = sorted(value for value in values if value > 0)
    if not known:
        return 1.0, 10.0
    low, high = known[0] / room, known[-1] * room
    return (low, high) if high > 1.5 * low else (low / 1.25, high * 1.25)


def ticks(low: float, high: float) -> list[float]:
    """Choose round numbers for a logarithmic axis: 1, 2, 5, 10 …, or fewer, or more of them."""
    for steps in STEPS:
        chosen = [
            round(step * 10.0**power, 6)
            for power in range(floor(log10(low)), floor(log10(high)) + 1)
            for step in steps
            if low <= step * 10.0**power <= high
        ]
        if len(chosen) <= MOST:
            return chosen
    return chosen[:: len(chosen) // MOST + 1]


def even_ticks(high: float) -> list[float]:
    power = 10.0 ** floor(log10(high))
    high *= 1 + 1e-9  # which is not to fall below a number by a rounding error
    step = next(part * power for part in (0.1, 0.2, 0.5, 1, 2, 5) if high / (part * power) < MOST)
    return [round(number * step, 6) for number in range(floor(high / step) + 1)]


def ms_text(ms: float) -> str:
    """Write a time in the unit that fits it."""
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
