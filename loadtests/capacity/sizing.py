"""How large a pool should be: grow it while that gains, and stop at the knee.

Sizes are compared within rounds, so the machine's speed does not matter. First sizes far apart find
the region of the knee, then sizes between them narrow it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.capacity.estimate import Range

GAIN = 1.05  # times as much: the least that is worth a larger pool
STEP = 4  # times as large: between the first sizes
CLOSE = 1.5  # times as large: sizes so close to the knee need none between them
MOST_SIZES = 9
BOUNDS = (1, 256)  # of an option whose bounds are not known


@dataclass(frozen=True, slots=True)
class Size:
    """What a size sustains; `to_best` is how many times as much the best size sustains.

    At the limit of the generator, the size is `unbounded`: it may sustain more.
    """

    capacity: Range
    to_best: Range | None = None
    unbounded: bool = False
    pss_mib: float | None = None

    @property
    def enough(self) -> bool:
        """Whether no other size is known to sustain notably more."""
        if self.unbounded or self.to_best is None:
            return True
        return self.to_best.low <= 1 or self.to_best.value < GAIN


def first_sizes(usual: int, least: int, most: int) -> list[int]:
    """Return sizes around the usual one, within the bounds of the option."""
    usual = min(max(usual, least), most)
    around = (usual // STEP, usual, usual * STEP)
    return sorted({min(max(size, least), most) for size in around})


def knee(sizes: Mapping[int, Size]) -> int | None:
    """Return the smallest size that is enough."""
    return min((size for size, known in sizes.items() if known.enough), default=None)


def next_sizes(
    sizes: Mapping[int, Size], least: int, most: int, expected: float | None = None
) -> list[int]:
    """Return the sizes to measure next; none once the knee is known.

    `expected` is where arithmetic has another resource run out before the pool does.
    """
    smallest_enough = knee(sizes)
    if smallest_enough is None or len(sizes) >= MOST_SIZES:
        return []
    below = [size for size in sizes if size < smallest_enough]
    largest = smallest_enough == max(sizes) and not sizes[smallest_enough].unbounded
    if largest and (larger := _larger(smallest_enough, most, expected)):
        return larger
    if not below:
        smaller = {max(smallest_enough // STEP, least), max(smallest_enough // 2, least)}
        return sorted(smaller - sizes.keys())
    between = round(math.sqrt(max(below) * smallest_enough))
    near = smallest_enough <= CLOSE * max(below)
    return [] if near or between in sizes else [between]


def _larger(size: int, most: int, expected: float | None) -> list[int]:
    """Return larger sizes: around the expected knee, if that is beyond this one."""
    wanted: Sequence[float] = (STEP * size,)
    if expected and expected > size:
        wanted = (min(expected, STEP * size), 2 * min(expected, STEP * size))
    return sorted({min(max(math.ceil(larger), size + 1), most) for larger in wanted} - {size})
