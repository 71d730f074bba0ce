"""Lines through noisy dots that assume no more than that things get worse as the load rises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def rising(dots: Iterable[tuple[float, float]]) -> list[float]:
    """Fit (value, weight) in their order by values that never fall, in least squares.

    Isotonic regression by pooling adjacent violators: Barlow et al., "Statistical Inference Under
    Order Restrictions" (1972), section 1.2.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many dots
    for value, weight in dots:
        mean, total, count = value, weight, 1
        while pools and pools[-1][0] >= mean:
            other, more, many = pools.pop()
            mean = (mean * total + other * more) / (total + more)
            total, count = total + more, count + many
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]
