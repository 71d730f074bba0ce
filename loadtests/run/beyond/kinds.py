"""The kinds of trials beyond the peak, how long they take, and how they are requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.durations import duration_text, parse_duration
from loadtests.wording import unknown

NONE = "none"
SHORTEST_S = 1.0
STARTS_S = 3.0  # a fresh server, its first requests, the settling, and the last answers


@dataclass(frozen=True, slots=True)
class BeyondKind:
    """One kind of trial: its time, how many such times it takes, and on how many servers.

    A full run has all kinds that are `usual`.
    """

    duration_s: float
    times: float
    servers: int
    least_s: float = SHORTEST_S
    usual: bool = True


KINDS = {
    "overload": BeyondKind(10, times=3, servers=2),
    "spike": BeyondKind(5, times=4, servers=1),
    "soak": BeyondKind(120, times=1, servers=1),
    "faults": BeyondKind(10, times=2, servers=1),
    # 300 requests to each bystander: a p99 of fewer means nothing.
    "bystanders": BeyondKind(10, times=1, servers=1, least_s=10),
    # Each of five admission policies takes half of its time before it, and twice that after it.
    "surge": BeyondKind(5, times=5 * 3.5, servers=6, usual=False),
}
Chosen = Mapping[str, float]  # seconds of each kind


def chosen_kinds(given: Sequence[str], mode: str) -> dict[str, float]:
    """Read `KIND` and `KIND=TIME`; without any, a full run has the usual ones and a quick one none.

    Raises ValueError for anything else.
    """
    if not given:
        return _usual(mode)
    if NONE in given:
        if len(given) > 1:
            raise ValueError(f"{NONE!r} excludes all others: leave it out, or leave out the others")
        return {}
    return dict(map(_kind, given))


def written(beyond: Chosen, mode: str) -> list[str]:
    """Write what `chosen_kinds` reads in the same mode; nothing for its default."""
    if dict(beyond) == _usual(mode):
        return []
    return [f"{kind}={duration_text(seconds)}" for kind, seconds in beyond.items()] or [NONE]


def expected_s(beyond: Chosen) -> float:
    """Return how long all of them take for one cell, if nothing has to be repeated."""
    return sum(alone_s(kind, seconds) for kind, seconds in beyond.items())


def alone_s(kind: str, seconds: float) -> float:
    """Return how long one kind takes for one cell."""
    return KINDS[kind].times * seconds + KINDS[kind].servers * STARTS_S


def _usual(mode: str) -> dict[str, float]:
    usual = {name: kind.duration_s for name, kind in KINDS.items() if kind.usual}
    return usual if mode == "full" else {}


def _kind(text: str) -> tuple[str, float]:
    name, equals, time = text.partition("=")
    if name not in KINDS:
        raise ValueError(unknown("kind of load {}", name, KINDS))
    if not equals:
        return name, KINDS[name].duration_s
    try:
        took_s = parse_duration(time)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if took_s < KINDS[name].least_s:
        raise ValueError(
            f"{text!r} is too short to show anything; give {name} {KINDS[name].least_s:g}s or more"
        )
    return name, took_s
