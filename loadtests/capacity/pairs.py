"""The demands of rows at one speed of the machine, from trials that followed one another.

The machine's speed changes within seconds, and all rows alike. So only trials next to each other in
time are compared: the logarithms of their demands differ by those of the rows, by small errors, and
now and then by a change of speed, which hits either. Least squares with the tails of Student's t
(Lange, Little and Taylor, 1989) leave such changes out of account by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from statistics import fmean, median

from loadtests.capacity.stretch import Round

FREEDOM = 2.0  # of Student's t: heavy tails
SCALE = 0.005  # the least: no demand is measured better
SWEEPS = 200
ENOUGH = 1e-6

Step = tuple[str, str, float, float]  # from a row to another, by how much, and how near in time


def relative_demands(rounds: Iterable[Round], rows: Sequence[str]) -> dict[str, float]:
    """Return the logarithm of each row's demand relative to the mean of all, for known rows."""
    rounds = [*rounds]
    known = [*chain.from_iterable(_logarithms(rounds))]
    present = [row for row in rows if any(name == row for name, _ in known)]
    if not present:
        return {}
    values = {row: median(value for name, value in known if name == row) for row in present}
    steps = [
        (before, after, later - earlier, 1 / gap)
        for played in _logarithms(rounds)
        for place, (before, earlier) in enumerate(played)
        for gap, (after, later) in enumerate(played[place + 1 :], start=1)
        if before != after and {before, after} <= values.keys()
    ]
    scale, total = 0.05, math.fsum(near for *_, near in steps)
    for _ in range(SWEEPS if steps else 0):
        errors = [step - (values[after] - values[before]) for before, after, step, _ in steps]
        weights = [
            near * (FREEDOM + 1) / (FREEDOM + (error / scale) ** 2)
            for error, (*_, near) in zip(errors, steps, strict=True)
        ]
        spread = math.fsum(w * error**2 for w, error in zip(weights, errors, strict=True)) / total
        scale = max(math.sqrt(spread), SCALE)
        moved = _sweep(values, steps, weights)
        if moved < ENOUGH:
            break
    middle = fmean(values.values())
    return {row: value - middle for row, value in values.items()}


def _logarithms(rounds: Iterable[Round]) -> Iterator[list[tuple[str, float]]]:
    """Yield the rows of each round, and the logarithms of their demands where these are known."""
    for played in rounds:
        yield [(s.row, math.log(s.cost_s)) for s in played if s.cost_s]


def _sweep(values: dict[str, float], steps: Sequence[Step], weights: Sequence[float]) -> float:
    """Move each row to where its neighbours want it (Gauss, Seidel); returns the largest move."""
    largest = 0.0
    for row, value in values.items():
        wanted = total = 0.0
        for (before, after, step, _), weight in zip(steps, weights, strict=True):
            if row == after:
                wanted += weight * (values[before] + step)
                total += weight
            elif row == before:
                wanted += weight * (values[after] - step)
                total += weight
        if total:
            largest = max(largest, abs(wanted / total - value))
            values[row] = wanted / total
    return largest


def reference(rounds: Iterable[Round], demands: dict[str, float]) -> float:
    """Return the logarithm of what a request costs at the usual speed, as a mean over the rows.

    Add a row's relative demand to it: that is its reference demand in seconds.
    """
    return median(speeds(rounds, demands))


def speeds(rounds: Iterable[Round], demands: dict[str, float]) -> list[float]:
    """Return the logarithm of each trial's demand without its row's: the machine's speed."""
    return [
        math.log(sample.cost_s) - demands[sample.row]
        for played in rounds
        for sample in played
        if sample.cost_s and sample.row in demands
    ]
