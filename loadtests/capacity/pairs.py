"""The demands of rows at one speed of the machine, from trials that followed one another.

The machine's speed changes within seconds, and all rows alike. So only trials next to each other in
time are compared: the logarithms of their demands differ by those of the rows, by small errors, and
now and then by a change of speed, which hits either. Least squares with the tails of Student's t
(Lange, Little and Taylor, 1989) leave such changes out of account by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median
from typing import NamedTuple

from loadtests.capacity.stretch import Round

FREEDOM = 2.0  # of Student's t: heavy tails
SCALE = 0.005  # the least: no demand is measured better
WIDE = 0.05  # the scale to begin with
SWEEPS = 200
SETTLES = 5  # moves of each row with the same weights
ENOUGH = 1e-6

Steps = dict[tuple[str, str], list[tuple[float, float]]]  # from a row to another: size, nearness


class Fit(NamedTuple):
    """The logarithm of each row's demand, and the scale of their errors."""

    values: dict[str, float]
    scale: float = WIDE

    @property
    def demands(self) -> dict[str, float]:
        """The logarithm of each row's demand relative to the mean of all."""
        middle = fmean(self.values.values()) if self.values else 0.0
        return {row: value - middle for row, value in self.values.items()}


def fit(rounds: Iterable[Round], rows: Sequence[str], near: Fit | None = None) -> Fit:
    """Compare the demands of these rows, as far as they are known.

    Starts from `near`, the fit of almost the same rounds: there are as many fits as rounds.
    """
    known: dict[str, list[float]] = {}
    steps: Steps = {}
    for played in _logarithms(rounds):
        for place, (before, earlier) in enumerate(played):
            known.setdefault(before, []).append(earlier)
            for gap, (after, later) in enumerate(played[place + 1 :], start=1):
                if before != after:
                    steps.setdefault((before, after), []).append((later - earlier, 1 / gap))
    values = {row: median(known[row]) for row in rows if row in known}
    scale = WIDE
    if near and near.values.keys() == values.keys():
        values, scale = dict(near.values), near.scale
    steps = {pair: taken for pair, taken in steps.items() if values.keys() >= {*pair}}
    for _ in range(SWEEPS if steps else 0):
        scale, moved = _sweep(values, steps, scale)
        if moved < ENOUGH:
            break
    return Fit(values, scale)


def _logarithms(rounds: Iterable[Round]) -> Iterator[list[tuple[str, float]]]:
    """Yield the rows of each round, and the logarithms of their demands where these are known."""
    for played in rounds:
        yield [(s.row, math.log(s.cost_s)) for s in played if s.cost_s]


def _sweep(values: dict[str, float], steps: Steps, scale: float) -> tuple[float, float]:
    """Move each row to where the others want it; returns the next scale and the largest move."""
    weights = spread = 0.0
    pulls: dict[str, list[tuple[str, float, float]]] = {row: [] for row in values}
    usual, square = FREEDOM * scale**2, (FREEDOM + 1) * scale**2
    for (row, other), taken in steps.items():
        apart = values[other] - values[row]
        total = pull = 0.0
        for size, nearness in taken:
            error = size - apart
            weight = nearness * square / (usual + error * error)
            total += weight
            pull += weight * size
            spread += weight * error * error
        weights += total
        pulls[row].append((other, total, -pull))
        pulls[other].append((row, total, pull))
    before = dict(values)
    for _ in range(SETTLES):  # Gauss and Seidel
        for row, others in pulls.items():
            if others:
                wanted = math.fsum(weight * values[name] + pull for name, weight, pull in others)
                values[row] = wanted / math.fsum(weight for _, weight, _ in others)
    # Divided by the sum of the weights, not by that of the nearness, it reaches the same value in
    # fewer sweeps (Kent, Tyler and Vardi, 1994).
    moved = max(abs(value - before[row]) for row, value in values.items())
    return max(math.sqrt(spread / weights), SCALE), moved


def speeds(rounds: Iterable[Round], demands: dict[str, float]) -> list[float]:
    """Return the logarithm of each trial's demand without its row's: the machine's speed."""
    return [
        math.log(sample.cost_s) - demands[sample.row]
        for played in rounds
        for sample in played
        if sample.cost_s and sample.row in demands
    ]
