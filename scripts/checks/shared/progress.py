"""Say how far a script is: a line on standard error before each of its steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from loadtests.durations import rounded_duration


def steps(
    names: Sequence[str],
    told: Callable[[str], object] = lambda line: print(line, file=sys.stderr),  # noqa: T201 - telling is its purpose
    clock: Callable[[], float] = monotonic,
) -> Iterator[str]:
    """Give one name after the other, and tell the time left: as long as those before took."""
    begun = clock()
    for done, name in enumerate(names):
        each = (clock() - begun) / done if done else None
        left = f", about {rounded_duration(each * (len(names) - done))} left" if each else ""
        told(f"{name} ({done + 1} of {len(names)}{left})")
        yield name
