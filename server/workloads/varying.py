"""Parameters whose values differ between requests."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, overload

MOST = 1_000_000  # values of a Zipf distribution: each has its weight in a table


class Vary:
    """Draw a value for each request that gives none: Annotated[int, Vary(1, 5000)].

    From the whole numbers from `low` to `high`, from the numbers between them if one is a float, or
    from a list. All are equally likely, unless there is an exponent `zipf`: then the value at
    place n is drawn in proportion to n ** -zipf, so the first ones are drawn most.

    Raises ValueError for bounds or values from which nothing can be drawn.
    """

    @overload
    def __init__(self, low: float, high: float, /, *, zipf: float = 0.0) -> None: ...
    @overload
    def __init__(self, values: Sequence[Any], /, *, zipf: float = 0.0) -> None: ...
    def __init__(self, low: Any, high: Any = None, /, *, zipf: float = 0.0) -> None:
        given = f"Vary({low!r})" if high is None else f"Vary({low!r}, {high!r})"
        self.values: Sequence[Any] | None = None
        self.low, self.high, self.zipf = low, high, zipf
        if high is None:
            if isinstance(low, str) or not isinstance(low, Sequence) or not low:
                raise ValueError(f'{given} has nothing to draw from; write Vary(1, 5000), or ["a"]')
            self.values, self.low, self.high = low, low[0], low[-1]
        elif {type(low), type(high)} - {int, float}:
            raise ValueError(f"{given} has bounds that are not numbers; list them: Vary([…])")
        elif not low < high:
            raise ValueError(f"{given} draws nothing: the second number must be the greater")
        elif {type(low), type(high)} == {int}:
            self.values = range(low, high + 1)
        self._weights = array("d")
        if zipf:
            self._weigh(given)

    def _weigh(self, given: str) -> None:
        if self.values is None or not 0 < self.zipf < 100 or len(self.values) > MOST:
            raise ValueError(
                f"{given} cannot have zipf={self.zipf!r}: it takes a positive exponent, such as "
                f"1.1, and at most {MOST} whole numbers or values"
            )
        places = range(1, len(self.values) + 1)
        self._weights.extend(accumulate(place**-self.zipf for place in places))

    def draw(self) -> Any:
        """Draw one value."""
        if self.values is None:
            return random.uniform(self.low, self.high)  # noqa: S311 - load, not secrets
        if self._weights:
            at = random.random() * self._weights[-1]  # noqa: S311 - likewise
            return self.values[bisect_left(self._weights, at)]
        return random.choice(self.values)  # noqa: S311 - likewise

    def limits(self) -> Sequence[Any]:
        """Return the values that stand for all others: a list as a whole, else the bounds."""
        return [self.low, self.high] if self.is_range else list(self.values or ())

    @property
    def is_range(self) -> bool:
        return self.values is None or isinstance(self.values, range)

    def describe(self) -> dict[str, Any]:
        """Describe it for programs that draw the values themselves."""
        if self.is_range:
            drawn: dict[str, Any] = {"minimum": self.low, "maximum": self.high}
        else:
            drawn = {"values": list(self.values or ())}
        return {**drawn, "zipf": self.zipf} if self.zipf else drawn
