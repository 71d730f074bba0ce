"""Where a load begins to break, by maximum likelihood from all trials, whatever rate they had.

One trial is a coin: the chance that it holds falls from nearly 1 to 0 with the rate, along a
logistic curve in the logarithm of the rate. Where that curve lies and how steep it is follows from
all trials together. No trial decides alone, and one that broke far below the others is explained
by a disturbance, not by the service.
"""

import math
from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = 0.6  # the rate sought is the one at which so many undisturbed trials hold
LAPSE = 0.05  # the share of trials that break by a disturbance the machine's sentinel missed
FLUKE = 0.003  # the share that holds against all odds
WIDTHS = (0.004, 0.008, 0.015, 0.025, 0.04, 0.06)  # of the fall, as shares of the rate
_BETWEEN = 1 - LAPSE - FLUKE
_POINTS = 120
_MARGIN = 0.05  # how far beyond the rates tried it may lie


class Likelihood:
    """The likelihood of each capacity, for several searches; each width counts alike."""

    def __init__(self, searches: "Sequence[Sequence[tuple[float, bool]]]", share: float) -> None:
        """Take (rate, held) of the trials of each search."""
        rates = [math.log(rate) for trials in searches for rate, _ in trials]
        counted = [
            [(math.log(rate), held, count) for (rate, held), count in Counter(trials).items()]
            for trials in searches
        ]
        low, high = min(rates) - _MARGIN, max(rates) + _MARGIN
        centres = [low + (high - low) * point / _POINTS for point in range(_POINTS + 1)]
        grid = [(centre, width) for width in WIDTHS for centre in centres]
        odds = math.log(share / (1 - share))
        self._rates = [centre - width * odds for centre, width in grid]
        self._order = sorted(range(len(grid)), key=self._rates.__getitem__)
        self._each = [[_log_likelihood(trials, *point) for point in grid] for trials in counted]

    def cumulated(self, which: tuple[int, ...]) -> list[float]:
        """Return the distribution over ascending rates, from the searches of these indices."""
        logs = [sum(each) for each in zip(*(self._each[one] for one in which), strict=True)]
        most = max(logs)
        return list(accumulate(math.exp(logs[point] - most) for point in self._order))

    def rate(self, cumulated: "Sequence[float]", quantile: float) -> float:
        place = bisect_left(cumulated, quantile * cumulated[-1])
        return math.exp(self._rates[self._order[min(place, len(cumulated) - 1)]])


def _log_likelihood(
    counted: "Sequence[tuple[float, bool, int]]", centre: float, width: float
) -> float:
    """Sum over (logarithm of the rate, held, count): searches try the same rates repeatedly."""
    total = 0.0
    for log_rate, held, count in counted:
        steps = (log_rate - centre) / width
        chance = FLUKE + _BETWEEN / (1 + math.exp(min(steps, 50.0)))
        total += count * math.log(chance if held else 1 - chance)
    return total
