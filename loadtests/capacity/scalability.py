"""The Universal Scalability Law: capacity as a function of size (Gunther, 2007).

    X(N) = λ N / (1 + s (N - 1) + k N (N - 1))

λ is what a single one sustains, s the share of the work that only one does at a time, and k what
they cost each other. s = k = 0 is a straight line; with k there is a peak, at √((1 - s) / k).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

LEAST = 3  # sizes, for as many unknowns


class Law(NamedTuple):
    """The law for some sizes: λ per second, s and k."""

    single: float
    contention: float
    coherency: float

    def at(self, size: float) -> float:
        """Return the capacity of a size."""
        crowd = 1 + self.contention * (size - 1) + self.coherency * size * (size - 1)
        return self.single * size / crowd

    @property
    def peak(self) -> float | None:
        """Return the size of the highest capacity; None without one."""
        if not self.coherency or self.contention >= 1:
            return None
        return math.sqrt((1 - self.contention) / self.coherency)


def law_of(capacities: Mapping[int, float]) -> Law | None:
    """Fit the law to the capacities of sizes; None for fewer than three, or if it cannot be.

    N ÷ X is linear in 1, N - 1 and N (N - 1): least squares of its relative errors, with no
    coefficient below zero.
    """
    points = [(size, rate) for size, rate in capacities.items() if rate > 0]
    if len(points) < LEAST:
        return None
    rows = [
        (rate / size, (size - 1) * rate / size, (size - 1) * rate) for size, rate in points
    ]  # each relative to N ÷ X, which is to be 1
    fits: list[tuple[float, Law]] = []
    for used in ((0, 1, 2), *combinations(range(3), 2), (0,)):
        if 0 in used and (solved := _least_squares(rows, used)) and min(solved) >= 0:
            whole = dict(zip(used, solved, strict=True))
            base, slope, bend = (whole.get(place, 0.0) for place in range(3))
            error = sum((base * a + slope * b + bend * c - 1) ** 2 for a, b, c in rows)
            if base > 0:
                fits.append((error, Law(1 / base, slope / base, bend / base)))
    return min(fits)[1] if fits else None


def _least_squares(rows: Sequence[tuple[float, ...]], used: Sequence[int]) -> list[float] | None:
    """Solve the normal equations for some columns, which should sum up to 1 in each row."""
    matrix = [
        [*(sum(row[a] * row[b] for row in rows) for b in used), sum(row[a] for row in rows)]
        for a in used
    ]
    for place in range(len(used)):
        pivot = max(range(place, len(used)), key=lambda row: abs(matrix[row][place]))
        matrix[place], matrix[pivot] = matrix[pivot], matrix[place]
        if abs(matrix[place][place]) < 1e-300:
            return None
        for other in range(len(used)):
            if other != place:
                factor = matrix[other][place] / matrix[place][place]
                matrix[other] = [
                    x - factor * y for x, y in zip(matrix[other], matrix[place], strict=True)
                ]
    return [row[-1] / row[place] for place, row in enumerate(matrix)]
