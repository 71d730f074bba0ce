"""Names above a chart, one for each line's end, so placed that nothing covers anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

CHARACTER, GAP = 6.4, 8.0  # pixels


class Flag(NamedTuple):
    """A name that ends at `x`, so many rows above the chart; a staff goes down to its line."""

    name: str
    x: float
    row: int


def wide(name: str) -> float:
    """Estimate how wide a name is: every reader has another font."""
    return CHARACTER * len(name)


def placed(ends: Iterable[tuple[str, float]]) -> list[Flag]:
    """Give each name the lowest row where it covers no staff and no other name.

    It stands left of its staff. So all that can be in its way are the staffs that begin under it,
    each of which goes up to a name: it goes above the highest of those.
    """
    flags: list[Flag] = []
    for name, x in sorted(ends, key=lambda end: end[1]):
        begin = x - wide(name) - GAP
        flags.append(Flag(name, x, 1 + max((f.row for f in flags if f.x > begin), default=-1)))
    return flags
