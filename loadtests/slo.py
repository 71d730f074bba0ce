"""State a service-level objective, and how many requests it takes to claim that it holds."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from loadtests.durations import duration_text, parse_duration, plain

FLOOR = 1.0  # requests per second: a cell that sustains less has no capacity worth measuring
MOST = 450_000  # requests of a cell and of the bystander, in the longest run
_PATTERN = re.compile(r"p(\d+(?:\.\d+)?)\s*(?:<=|≤|<)\s*(.+)")


@dataclass(frozen=True, slots=True)
class Slo:
    """A bound on a percentile of the response time, e.g. `p99<250ms`."""

    percentile: float
    bound_s: float

    def __post_init__(self) -> None:
        if not 0 < self.percentile < 100:
            raise ValueError(
                f"the percentile of an SLO must lie between 0 and 100, not at {self.percentile:g}, "
                "e.g. p99<250ms"
            )
        if not 0 < self.bound_s < math.inf:
            raise ValueError(
                f"the bound of an SLO must be above zero, not {self.bound_s:g} s, e.g. p99<250ms"
            )

    @classmethod
    def parse(cls, text: str) -> "Slo":
        """Read `p99<250ms`; `<`, `<=` and `≤` mean the same.

        Raises `ValueError` for anything else.
        """
        if match := _PATTERN.fullmatch(text.strip()):
            try:
                bound_s = parse_duration(match[2])
            except ValueError as error:
                raise ValueError(f"invalid SLO {text!r}: {error}") from None
            return cls(float(match[1]), bound_s)
        raise ValueError(
            f"invalid SLO {text!r}: expected a percentile, '<' and a duration, "
            "e.g. p99<250ms, p95<=1.5s or p99.9<2m"
        )

    def __str__(self) -> str:
        return f"{self.name}<{duration_text(self.bound_s)}"

    @property
    def name(self) -> str:
        """The percentile alone, as in p99.9."""
        return f"p{plain(Decimal(repr(self.percentile)))}"

    @property
    def loss_ratio(self) -> float:
        """The share of requests that may be lost: "p99 ≤ T" allows 1 % slower than T."""
        return _loss_ratio(self.percentile)

    def allows(self, lost: int, scheduled: int) -> bool:
        """Whether `lost` of `scheduled` requests keep the loss ratio within the objective."""
        return lost <= self.loss_ratio * scheduled + 1e-9  # 1 % of 300 is 3, not 2.9999…

    def at(self, percentile: float) -> "Slo":
        """Return another percentile with the same bound."""
        return Slo(percentile, self.bound_s)


def objective(text: str) -> Slo:
    """Read an objective to measure. Raises ValueError for one that no run could show."""
    slo = Slo.parse(text)
    if (takes := requests_needed(slo.loss_ratio, 0)) > MOST:
        least = requests_needed(slo.at(99.9).loss_ratio, 0)
        raise ValueError(
            f"{slo.name} takes {takes:,} requests, and no run has more than {MOST:,} that could "
            f"show it; ask for less, for example {slo.at(99.9)} ({least:,} requests)"
        )
    return slo


@cache
def _loss_ratio(percentile: float) -> float:
    """Compute in decimals: 1 % is 0.01, not 0.010000000000000009."""
    return float(1 - Decimal(repr(percentile)) / 100)


def requests_needed(loss_ratio: float, late_allowed: int, confidence: float = 0.95) -> int:
    """Count the requests that prove a loss ratio when `late_allowed` of them are late.

    The smallest n for which a true ratio of `loss_ratio` shows so few late ones with probability
    1 - `confidence` at most: the exact binomial test that MLPerf LoadGen uses to stop early.
    """
    if not 0 < loss_ratio < 1 or not 0 < confidence < 1 or late_allowed < 0:
        raise ValueError(
            "requests_needed expects ratios between 0 and 1 and a count of late requests, got "
            f"{loss_ratio=}, {late_allowed=}, {confidence=}: for example 0.01, 2, 0.95."
        )
    low, high = late_allowed, late_allowed + 1
    while _at_most(late_allowed, high, loss_ratio) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _at_most(late_allowed, middle, loss_ratio) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def exceeds(count: int, of: int, ratio: float) -> bool:
    """Whether `count` of `of` shows that the true share lies above `ratio`.

    From `requests_needed(ratio, 0)` on the share itself decides. A percentile of fewer means
    nothing, so there it takes a count that chance would bring in under 5 % of such samples.
    """
    if of >= requests_needed(ratio, 0):
        return count > ratio * of
    return beyond_chance(count, of, ratio)


def beyond_chance(count: int, of: int, ratio: float) -> bool:
    """Whether a true share of `ratio` would bring so many in under 5 % of such samples."""
    return count > 0 and 1 - _at_most(count - 1, of, ratio) < 0.05


def _at_most(late: int, requests: int, ratio: float) -> float:
    """Binomial distribution function, in logarithms because the coefficients overflow."""
    return math.fsum(
        math.exp(
            math.lgamma(requests + 1)
            - math.lgamma(k + 1)
            - math.lgamma(requests - k + 1)
            + k * math.log(ratio)
            + (requests - k) * math.log1p(-ratio)
        )
        for k in range(late + 1)
    )
