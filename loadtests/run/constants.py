"""The constants of a survival run that its report prints: stored in the first line of its file.

Older files lack them, and are read with those of today.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constants:
    """How often a load is tried, and the loads beyond the capacity, as multiples of it."""

    tries: int = 3  # of a trial that is not valid
    overload: tuple[float, ...] = (1.5, 2.0)
    spike: tuple[float, ...] = (0.5, 3.0, 0.5)  # before, during and after it
    soak: float = 0.8
    faults: float = 0.5
    bystanders: float = 0.8
    surge: tuple[float, ...] = (0.5, 2.5, 0.5)  # before, during and after it


CONSTANTS = Constants()
